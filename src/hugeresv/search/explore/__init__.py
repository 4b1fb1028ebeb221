"""Every history within a bound, breadth first: the shortest that breaks an invariant, or how many states there are."""
