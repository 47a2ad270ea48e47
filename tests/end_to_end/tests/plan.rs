//! Plans are the same bytes each time, anywhere, and opening no store.

use end_to_end::{JOBS, Sandbox};

#[test]
fn a_plan_of_each_job_is_the_same_twice_and_at_another_path() {
    let (here, there) = (Sandbox::example(), Sandbox::example());
    for job in JOBS {
        let plan = here.run(&["plan", job, "-o", "json"]).with_code(0).stdout;
        insta::assert_snapshot!(job, plan);
        assert_eq!(here.run(&["plan", job, "-o", "json"]).with_code(0).stdout, plan);
        assert_eq!(there.run(&["plan", job, "-o", "json"]).with_code(0).stdout, plan);
    }
    assert!(!here.has_stores(), "a plan opens no store");
}

#[test]
fn a_plan_for_people_shows_the_sql_and_what_is_bound_later() {
    let sandbox = Sandbox::example();
    let plan = sandbox.run(&["plan", JOBS[0]]).with_code(0).stdout;
    insta::assert_snapshot!("for_people", plan);
}

#[test]
fn all_jobs_of_the_example_are_valid() {
    let sandbox = Sandbox::example();
    let answer = sandbox.run(&["validate"]).with_code(0);
    assert_eq!(answer.stdout, "3 jobs checked, no problems\n");
    assert!(!sandbox.has_stores());
}
