package vault

import "slices"

// union returns the members of all sets, sorted; nil if there are none.
func union(sets ...[]string) []string {
	all := slices.Concat(sets...)
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// intersection returns the members that two sorted sets share; nil if there are none.
func intersection(a, b []string) (both []string) {
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); found {
			both = append(both, s)
		}
	}
	return both
}

// without returns a set without the member s; nil if nothing is left.
func without(set []string, s string) []string {
	rest := slices.DeleteFunc(slices.Clone(set), func(t string) bool { return t == s })
	if len(rest) == 0 {
		return nil
	}
	return rest
}
