package vault

import "slices"

// union returns what is in any of the sets, sorted; nil if nothing is.
func union(sets ...[]string) []string {
	all := slices.Concat(sets...)
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// intersection returns what is in both sorted sets, nil if nothing is.
func intersection(a, b []string) (both []string) {
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); found {
			both = append(both, s)
		}
	}
	return both
}

// without returns a set without one of its members, nil if nothing is left.
func without(set []string, s string) []string {
	rest := slices.DeleteFunc(slices.Clone(set), func(t string) bool { return t == s })
	if len(rest) == 0 {
		return nil
	}
	return rest
}
