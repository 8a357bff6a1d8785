//! Runs a mutation: its root fields one after another, in their order.

use super::prepare::{Preparing, Task, Writing};
use super::{Done, write};
use crate::error::Code;
use crate::graphql::answer::Results;
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, What};
use crate::graphql::plan::{Plan, Root};
use crate::graphql::run::{Answer, Compiled, Runner};
use crate::search::Call;

impl Runner<'_> {
    pub(crate) async fn mutate(&self, call: &Call, compiled: &Compiled) -> Result<Answer, Vec<Failure>> {
        let Compiled { document, operation, variables } = compiled;
        let nodes = document.selected(operation, &self.selector(compiled));
        let preparing =
            Preparing { schema: &self.version.schema, catalog: &self.version.catalog, variables, limits: &self.config.limits };
        // all of them before the first is carried out: what is refused as a whole must not be half done
        let tasks: Vec<(&Node, Result<Option<Task>, Failure>)> = nodes
            .iter()
            .map(|node| match &node.what {
                What::Mutation(mutation) => (node, preparing.task(node, mutation).map(Some)),
                _ => (node, Ok(None)),
            })
            .collect();
        let (most, cost) = (self.config.limits.cost as u64, tasks.iter().map(|(_, task)| cost(task)).sum::<u64>());
        if cost > most {
            return Err(vec![Failure::limit("cost", most, cost, "send fewer operations at a time")]);
        }
        let mut plan = Plan::default();
        for (node, task) in tasks {
            let root = match task {
                Ok(None) => Root::Own,
                Err(failure) => Root::Failed(failure),
                Ok(Some(_)) if call.left().is_zero() => Root::Failed(Failure::new(
                    Code::Timeout,
                    "the time was over before this mutation began: nothing of it was done",
                )),
                Ok(Some(task)) => self.carry_out(call, task).await.map_or_else(Root::Failed, Root::Done),
            };
            plan.roots.push((node, root));
        }
        self.finish(call, compiled, &plan, Results::none(), Vec::new(), cost).await
    }

    async fn carry_out(&self, call: &Call, task: Task) -> Result<Done, Failure> {
        let writing = match task {
            Task::Write(writing) => writing,
            Task::Create { name, fields } => return Ok(Done::Collection(self.reach()?.create(call, &name, fields).await)),
            Task::Start(order) => return Ok(Done::Job(self.reach()?.start(call, order).await)),
            Task::Steer { id, steer } => return Ok(Done::Job(self.reach()?.steer(call, &id, steer).await)),
            Task::Remove { name } => return Ok(Done::Collection(self.reach()?.remove(call, &name).await)),
        };
        let mut bulk = write::write(self.engine, call, &writing).await;
        if let Some(reach) = self.reach
            && write::is_seen(&writing, &bulk)
        {
            reach.documents_came(call, &writing.exposed.collection.name).await;
        }
        let Writing { exposed, bulk: many, .. } = writing;
        match bulk.items.pop() {
            Some(payload) if !many => Ok(Done::One(exposed, payload)),
            last => {
                bulk.items.extend(last);
                Ok(Done::Bulk(exposed, bulk))
            }
        }
    }

    fn reach(&self) -> Result<super::Reach<'_>, Failure> {
        self.reach.ok_or_else(|| Failure::new(Code::Internal, "internal error"))
    }
}

/// One for each thing that is written.
fn cost(task: &Result<Option<Task>, Failure>) -> u64 {
    match task {
        Ok(Some(Task::Write(writing))) => writing.items.len() as u64,
        Ok(Some(_)) => 1,
        _ => 0,
    }
}
