"""Rules, comparisons, paths, redirects and the evaluator."""
