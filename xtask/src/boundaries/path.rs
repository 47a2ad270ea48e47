//! The shortest way from one package to others, over edges of one kind. It finds; it does not judge.

use std::collections::VecDeque;

use serde::Serialize;

use super::graph::{Graph, Kind, Package};

/// One crate on a path, and how the one before it depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Hop {
    /// The crate.
    #[serde(rename = "crate")]
    pub(crate) name: String,
    /// Its version; empty when the declaration was not resolved.
    pub(crate) version: String,
    /// How the crate before depends on it; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manner: Option<String>,
}

impl Hop {
    /// The first crate of a path.
    pub(crate) fn start(package: &Package) -> Self {
        Self { name: package.name.clone(), version: package.version.clone(), manner: None }
    }
}

/// A step's state: the package, and whether the edge that gives the search its kind was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    package: usize,
    counted: bool,
}

/// Everything reachable from one package by one kind of dependency, nearest first.
pub(crate) struct Reach<'a> {
    graph: &'a Graph,
    /// Nearest first; the start stands first.
    order: Vec<State>,
    /// Where each state of `order` was reached from.
    came_from: Vec<Option<(usize, Kind)>>,
}

impl<'a> Reach<'a> {
    /// Searches from `start`. *Normal* follows normal edges only. *Build* finds what needs at least one build edge on
    /// the way. *Dev* finds what the start's own dev edges lead to. Packages for which `closed` holds are not entered.
    pub(crate) fn search(
        graph: &'a Graph,
        start: usize,
        kind: Kind,
        closed: impl Fn(&Package) -> bool,
    ) -> Self {
        let first = State { package: start, counted: kind == Kind::Normal };
        let mut seen = vec![[false; 2]; graph.packages.len()];
        seen[start][usize::from(first.counted)] = true;
        let mut reach = Self { graph, order: vec![first], came_from: vec![None] };
        let mut open = VecDeque::from([0]);
        while let Some(place) = open.pop_front() {
            let state = reach.order[place];
            for edge in &graph.packages[state.package].edges {
                let Some(counted) = next(kind, state, start, edge.kind) else { continue };
                if seen[edge.to][usize::from(counted)] || closed(&graph.packages[edge.to]) {
                    continue;
                }
                seen[edge.to][usize::from(counted)] = true;
                open.push_back(reach.order.len());
                reach.order.push(State { package: edge.to, counted });
                reach.came_from.push(Some((place, edge.kind)));
            }
        }
        reach
    }

    /// The paths to those nearest packages for which `goal` holds: what lies only behind one of them is left out.
    pub(crate) fn paths_to(&self, goal: impl Fn(&Package) -> bool) -> Vec<Vec<Hop>> {
        let is_goal = |place: usize| {
            let state = self.order[place];
            state.counted && place != 0 && goal(&self.graph.packages[state.package])
        };
        (0..self.order.len())
            .filter(|place| is_goal(*place))
            .filter(|place| !self.before(*place).into_iter().any(|(earlier, _)| is_goal(earlier)))
            .map(|place| self.path(place))
            .collect()
    }

    /// The places before `place` on its path, nearest first, each with the kind of the edge that leaves it.
    fn before(&self, place: usize) -> Vec<(usize, Kind)> {
        std::iter::successors(self.came_from[place], |(earlier, _)| self.came_from[*earlier]).collect()
    }

    fn path(&self, place: usize) -> Vec<Hop> {
        let mut places = self.before(place);
        places.reverse();
        let ends = places.iter().skip(1).map(|(end, _)| *end).chain([place]);
        let mut path = vec![Hop::start(&self.graph.packages[self.order[0].package])];
        for ((from, kind), to) in places.iter().zip(ends) {
            let declarer = &self.graph.packages[self.order[*from].package];
            let package = &self.graph.packages[self.order[to].package];
            let declared = declarer.declared.iter().find(|d| d.name == package.name && d.kind == *kind);
            let manner = declared.map_or_else(|| kind.to_string(), |declared| declared.manner());
            path.push(Hop { manner: Some(manner), ..Hop::start(package) });
        }
        path
    }
}

/// Whether an edge may be followed, and if so whether the search's kind is then satisfied.
fn next(kind: Kind, state: State, start: usize, edge: Kind) -> Option<bool> {
    match (kind, edge) {
        (_, Kind::Dev) => (kind == Kind::Dev && !state.counted && state.package == start).then_some(true),
        (Kind::Normal, Kind::Normal) => Some(true),
        (Kind::Normal, Kind::Build) => None,
        (Kind::Build, Kind::Normal) => Some(state.counted),
        (Kind::Build, Kind::Build) => Some(true),
        (Kind::Dev, Kind::Normal) => state.counted.then_some(true),
        (Kind::Dev, Kind::Build) => None,
    }
}
