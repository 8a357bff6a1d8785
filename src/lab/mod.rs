//! The experiments that one can run and see plotted. What they look like in a browser is left to `pages`, their routes to `rest`.
