//! From the text of an operation to a tree of what is selected: limits, parsing, validation, input, selection.
//!
//! Everything here is pure: nothing is asked of an engine. What depends on the text alone is kept and used again.

mod counted;
pub(crate) mod described;
mod fields;
mod input;
mod limits;
mod roots;
mod select;
mod tokens;

use std::sync::{Arc, OnceLock};

use apollo_compiler::ast::Definition;
use apollo_compiler::executable::Operation;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node as Shared, Schema};

pub(crate) use counted::Part;
pub(crate) use fields::{Explained, What};
pub(crate) use input::{Values, arguments, variables};
pub(crate) use roots::Roots;
pub(crate) use select::{Node, Selector};

use super::errors::{Failure, PARSE_FAILED, VALIDATION_FAILED, of_diagnostics};
use crate::config::{Defence, Limits};

/// How deep brackets of any kind may nest: far beyond what the limits on fields and filters let through, and far from the end of the stack.
const NESTING: usize = 200;

/// A valid document, and what was made of it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) valid: Valid<ExecutableDocument>,
    /// What is selected, where that is the same for all variables.
    laid: OnceLock<Arc<Vec<Node>>>,
    fixed: bool,
}

/// Checks a text and makes a document of it.
pub(crate) fn compile(schema: &Valid<Schema>, text: &str, limits: &Limits) -> Result<Arc<Document>, Vec<Failure>> {
    let tokens = tokens::count(text);
    if !limits.lets("tokens", limits.tokens as u64, tokens as u64) {
        return Err(vec![Failure::limit("tokens", limits.tokens as u64, tokens as u64, "send a shorter operation")]);
    }
    let syntax = Parser::new()
        .recursion_limit(NESTING)
        .parse_ast(text, "operation")
        .map_err(|faults| of_syntax(&faults.errors, text, limits.errors))?;
    limits::check(&syntax, limits).map_err(|failure| vec![failure])?;
    limits::check_directives(&syntax, limits).map_err(|failure| vec![failure])?;
    if limits.has(Defence::DuplicateInputs) {
        limits::check_inputs(&syntax).map_err(|failure| vec![failure])?;
    }
    let valid = syntax
        .to_executable_validate(schema)
        .map_err(|faults| of_diagnostics(&faults.errors, text, VALIDATION_FAILED, limits.errors))?;
    // with two operations or conditions on variables there are several layouts: then each request makes its own
    let fixed = valid.operations.len() == 1 && !text.contains("@skip") && !text.contains("@include");
    Ok(Arc::new(Document { valid, laid: OnceLock::new(), fixed }))
}

fn of_syntax(list: &DiagnosticList, text: &str, most: usize) -> Vec<Failure> {
    // what is nested too deep for the parser is told as the limit it is
    // the fault alone: written out as a report, with the text around it, a long text takes minutes
    if list.iter().any(|fault| fault.error.to_string().contains("recursion limit")) {
        return vec![Failure::limit("nesting", NESTING as u64, NESTING as u64 + 1, "nest fewer brackets")];
    }
    of_diagnostics(list, text, PARSE_FAILED, most)
}

impl Document {
    /// What an operation of this document selects.
    pub(crate) fn selected<'a>(&self, operation: &'a Operation, selector: &Selector<'a>) -> Arc<Vec<Node>> {
        let lay = || Arc::new(selector.roots(operation));
        if self.fixed { self.laid.get_or_init(lay).clone() } else { lay() }
    }

    /// The operation to run.
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<&Shared<Operation>, Failure> {
        self.valid.operations.get(name).map_err(|fault| Failure::input(fault.message().to_string()))
    }
}

/// Whether the operation meant is a mutation, by its syntax alone: it may not come by GET. What cannot be read is told later.
pub(crate) fn mutates(text: &str, name: Option<&str>, limits: &Limits) -> bool {
    if !text.contains("mutation") || tokens::count(text) > limits.tokens {
        return false;
    }
    let Ok(document) = Parser::new().recursion_limit(NESTING).parse_ast(text, "operation") else { return false };
    document.definitions.iter().any(|definition| match definition {
        Definition::OperationDefinition(operation) => {
            operation.operation_type.is_mutation()
                && name.is_none_or(|name| operation.name.as_ref().is_some_and(|own| own == name))
        }
        _ => false,
    })
}
