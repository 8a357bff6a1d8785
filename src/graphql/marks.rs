//! Highlighted text as a piece of a page.

use crate::search::Fragment;

/// The text with its marks, escaped so that it can be put into a page.
pub(crate) fn html(fragment: &Fragment) -> String {
    let mut html = String::new();
    for run in &fragment.runs {
        if run.hit {
            html.push_str("<mark>");
        }
        for letter in run.text.chars() {
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                other => html.push(other),
            }
        }
        if run.hit {
            html.push_str("</mark>");
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Run;

    #[test]
    fn marks_are_the_only_markup() {
        let runs = [("a <b> & ", false), ("\"c\"", true), (" 'd'", false)];
        let runs = runs.map(|(text, hit)| Run { text: text.into(), hit }).into();
        assert_eq!(html(&Fragment { runs }), "a &lt;b&gt; &amp; <mark>&quot;c&quot;</mark> &#39;d&#39;");
    }
}
