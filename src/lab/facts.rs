//! What the bundled upstream tells: facts about springs, elasticity, search, and the man who gave this program its name.

pub const FACTS: [&str; 48] = [
    "Robert Hooke published his law of springs as an anagram in 1676 and gave the solution two years later: ut tensio, sic vis.",
    "As the stretch, so the force: a spring that is pulled twice as far pulls back twice as hard, as long as it is not overstrained.",
    "Micrographia, Hooke's book of 1665, showed a flea on a page that had to be folded out.",
    "Hooke called the small rooms that he saw in a slice of cork cells, and the word has stayed.",
    "After the Great Fire of 1666 Hooke measured out plots of London so that people could build again.",
    "No portrait of Hooke that was made in his lifetime is known for certain.",
    "Hooke held the post of curator of experiments at the Royal Society: he had to show something new nearly every week.",
    "The universal joint that turns a shaft around a corner carries Hooke's name.",
    "Hooke and Christiaan Huygens both claimed the spring that lets a watch keep time in a pocket.",
    "Hooke observed a large spot on Jupiter in 1664.",
    "The Monument in London was built so that its hollow column could serve as a telescope pointing straight up.",
    "Hooke saw that a hanging chain, turned upside down, is the shape of an arch that carries itself.",
    "The stiffness of a spring is told in newtons per metre.",
    "Two equal springs in a row are half as stiff as one; side by side they are twice as stiff.",
    "A mass on a spring takes the same time for each swing, whether the swing is wide or narrow.",
    "Young's modulus of steel is about 200 gigapascals, of rubber a few megapascals.",
    "Rubber pulls harder when it is warmed, while a steel spring grows softer.",
    "Spider silk can be stretched by about a third of its length before it breaks.",
    "Glass is elastic almost to the moment when it breaks.",
    "A bent beam is stretched on one side and squeezed on the other; between them lies a layer that keeps its length.",
    "What a spring stores grows with the square of its stretch.",
    "The tendon of a kangaroo gives back most of the energy of each landing at the next leap.",
    "A slinky that is held by its top and let go keeps its lower end still until the wave from above has come down.",
    "Sound is a wave of elastic squeezing; in steel it runs some fifteen times as fast as in air.",
    "Long bridges have joints at their ends, for the deck grows in the sun by more than a hand's breadth.",
    "Tall towers are built to sway: one that could not would have to be far heavier.",
    "The leaf springs of an old cart are stacked so that the strain is about the same along the whole length.",
    "Memory metals go back to their former shape when they are warmed.",
    "A trampoline is a sheet that hardly stretches, hung from springs that do.",
    "The quartz in a watch is a small tuning fork that bends some thirty-two thousand times a second.",
    "An inverted index is what stands at the end of a book: words, and where each of them occurs.",
    "Stop words were left out of indexes when disks were small; today they are kept, for phrases need them.",
    "A rare word says more about a text than a common one: that is the idea behind most ranking.",
    "BM25 lets each further occurrence of a word count for less than the one before.",
    "In BM25 a word in a short text weighs more than the same word in a long one.",
    "Swapping two neighbouring letters is the typing error that fingers make most easily.",
    "A finite automaton can find all words within two typing errors of a given one without looking at most of the others.",
    "Lists of document numbers are kept as gaps, for small numbers need few bits.",
    "A search that skips what can no longer reach the first page need not score most of its matches.",
    "To find near neighbours among millions of points one walks a graph from rough to fine, and reaches most of them, not all.",
    "A cursor tells where to go on; an offset has to walk the whole way again each time.",
    "A facet that ignores its own choice lets one change one's mind.",
    "Sorting by a field reads a column; showing a document reads a row: engines keep both.",
    "A shard is an index of its own; what many of them have found must be merged into one order.",
    "A rate limit over a sliding window has no seam at which twice as many calls slip through.",
    "Waiting for a thousand answers at once takes as long as the slowest of them, not as long as all together.",
    "A queue that may grow without end only hides for a while that too much is asked.",
    "A retry that does not wait is a second load on something that already had too much.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fact_is_told_twice() {
        let all: std::collections::BTreeSet<_> = FACTS.iter().collect();
        assert_eq!(all.len(), FACTS.len());
        assert!(FACTS.iter().all(|fact| fact.ends_with('.') && fact.len() < 160));
    }
}
