# A webhook delivery of GitHub as one activity: github/activity/1.
#
# Input: a row of raw.raw_objects whose payload is {id, event, payload}. Output: one row of canonical.canonical_objects.
# Every kind has the fields of `activity`; the six kinds below add `detail`. A kind that is not listed here, and a
# delivery that lacks what its kind usually has, gives nulls and never an error.

# The first output of f that is a value; null instead of an error.
def maybe(f): [first(f? | values)][0];

# The first text of f that is not empty.
def text(f): maybe(f | strings | select(. != ""));

# RFC 3339 in UTC, from seconds since 1970 or from RFC 3339 with any offset.
def utc(f):
  [first(f? | (if type == "number" then todate elif type == "string" then (fromdate | todate) else empty end)?)][0];

def first_line: split("\n")[0];

def branch: ltrimstr("refs/heads/") | ltrimstr("refs/tags/");

# What `thing` is called, for one line of text.
def name_of: text(.title, .name, .login, .summary, .key, .ref, .environment, .content_type);

# What every activity says; `thing` is the object that it is about.
def activity($kind; $thing):
  {
    kind: $kind,
    action: text(.action),
    repository: text(.repository.full_name),
    actor: text(.sender.login, .pusher.name),
    number: maybe(($thing.number, .number) | numbers),
    title: ($thing | name_of),
    url: text($thing.html_url, .repository.html_url),
    occurred_at: utc($thing.updated_at, $thing.created_at, $thing.completed_at, $thing.started_at,
                     $thing.submitted_at, .updated_at, .created_at, .effective_date, .since)
  };

def sentence: map(values | tostring | select(. != "")) | join(" ");

def issue:
  .issue as $issue
  | activity("issues"; $issue)
  + { occurred_at: utc(if .action == "opened" then $issue.created_at else $issue.updated_at end),
      detail: {
        state: text($issue.state),
        author: text($issue.user.login),
        labels: (maybe([$issue.labels[].name]) // []),
        assignee: text(.assignee.login),
        label: text(.label.name),
        milestone: text(.milestone.title, $issue.milestone.title)
      } }
  | .summary = ([.action, "issue #\(.number):", .title] | sentence);

def pull_request:
  .pull_request as $pull
  | activity("pull_request"; $pull)
  + { occurred_at: utc(if .action == "opened" then $pull.created_at
                       elif .action == "closed" then $pull.merged_at, $pull.closed_at
                       else $pull.updated_at end),
      detail: {
        state: text($pull.state),
        author: text($pull.user.login),
        merged: maybe($pull.merged | booleans),
        draft: maybe($pull.draft | booleans),
        base: text($pull.base.ref),
        head: text($pull.head.ref),
        commits: maybe($pull.commits | numbers),
        additions: maybe($pull.additions | numbers),
        deletions: maybe($pull.deletions | numbers),
        changed_files: maybe($pull.changed_files | numbers)
      } }
  | .summary = ([if .action == "closed" and .detail.merged then "merged" else .action end,
                 "pull request #\(.number):", .title] | sentence);

def push:
  (maybe(.commits | arrays) // []) as $commits
  | text(.ref) as $ref
  | activity("push"; .head_commit)
  + { action: (if .deleted == true then "deleted" elif .created == true then "created"
               elif .forced == true then "forced" else "pushed" end),
      title: maybe(text(.head_commit.message) | strings | first_line),
      url: text(.compare),
      occurred_at: utc(.repository.pushed_at, .head_commit.timestamp),
      detail: {
        ref: $ref,
        ref_type: maybe($ref | strings | if startswith("refs/tags/") then "tag" else "branch" end),
        before: text(.before),
        after: text(.after),
        forced: maybe(.forced | booleans),
        commits: ($commits | length)
      } }
  | .summary = ([if .action == "pushed" or .action == "forced" then "\(.detail.commits) commits to" else .action end,
                 .detail.ref_type, maybe($ref | branch)] | sentence);

def release:
  .release as $release
  | activity("release"; $release)
  + { title: text($release.name, $release.tag_name),
      occurred_at: utc(if .action == "created" then $release.created_at else $release.published_at end,
                       $release.created_at),
      detail: {
        tag: text($release.tag_name),
        target: text($release.target_commitish),
        author: text($release.author.login),
        draft: maybe($release.draft | booleans),
        prerelease: maybe($release.prerelease | booleans),
        assets: (maybe($release.assets | arrays) // [] | length)
      } }
  | .summary = ([.action, "release", .title] | sentence);

def star:
  activity("star"; null)
  + { occurred_at: utc(.starred_at),
      detail: { stars: maybe(.repository.stargazers_count | numbers) } }
  | .summary = (if .action == "deleted" then "took the star back" else "starred the repository" end);

def workflow_run:
  .workflow_run as $run
  | activity("workflow_run"; $run)
  + { number: maybe($run.run_number | numbers),
      title: text($run.display_title, $run.name, .workflow.name),
      occurred_at: utc(if .action == "completed" then $run.updated_at else $run.created_at end),
      detail: {
        workflow: text(.workflow.name, $run.name),
        trigger: text($run.event),
        branch: text($run.head_branch),
        head_sha: text($run.head_sha),
        attempt: maybe($run.run_attempt | numbers),
        status: text($run.status),
        conclusion: text($run.conclusion)
      } }
  | .summary = ([.action, "run", maybe(.number | "#\(numbers)"), "of", .title, maybe(.detail.conclusion | "(\(strings))")]
                | sentence);

# The object that a delivery is about is called as its kind, or by one of a few other names.
def other($kind):
  maybe((.[$kind], .comment, .review, .alert, .rule, .key, .build, .forkee, .hook, .thread, .invitation, .member,
         .blocked_user, .workflow_job_run, .installation) | objects) as $thing
  | activity($kind; $thing)
  | .summary = ([.action, ($kind | gsub("_"; " ")), .title] | sentence);

(maybe(.payload.event | strings) // "unknown") as $kind
| {
    idem_key: "\(.idem_key)#activity",
    source_system,
    connection_name,
    object_type,
    canonical_schema: "github/activity/1",
    canonical_format: "json",
    transform_ref: "github/activity@1.0.0",
    payload: (
      { delivery: text(.payload.id) }
      + ((maybe(.payload.payload | objects) // {})
         | if $kind == "issues" then issue
           elif $kind == "pull_request" then pull_request
           elif $kind == "push" then push
           elif $kind == "release" then release
           elif $kind == "star" then star
           elif $kind == "workflow_run" then workflow_run
           else other($kind) end)
    )
  }
