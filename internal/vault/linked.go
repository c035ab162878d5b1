package vault

import (
	"cmp"
	"slices"
	"strings"
)

// members returns the records of the account that id belongs to, by id.
func (s *State) members(id string) []*Record {
	least, linked := s.Links[id]
	if !linked {
		least = id
	}
	if list, found := s.linkedRecords()[least]; found {
		return list
	}
	if r := s.exactRecord(id); r != nil {
		return []*Record{r}
	}
	return nil
}

// linkedRecords returns the records of each account that has several ids, by the
// smallest of these.
func (s *State) linkedRecords() map[string][]*Record {
	if s.groups == nil && len(s.Links) > 0 {
		s.groups = map[string][]*Record{}
		for id, least := range s.Links {
			list := s.groups[least]
			if r := s.exactRecord(least); r != nil && len(list) == 0 {
				list = append(list, r)
			}
			if r := s.exactRecord(id); r != nil {
				list = append(list, r)
			}
			s.groups[least] = list
		}
		for _, list := range s.groups {
			slices.SortFunc(list, func(a, b *Record) int { return strings.Compare(a.ID, b.ID) })
		}
	}
	return s.groups
}

// root returns the id that an account is shown under: the smallest linked one that has
// a record.
func (s *State) root(id string) string {
	if len(s.Links) > 0 {
		if list := s.members(id); len(list) > 0 {
			return list[0].ID
		}
	}
	return id
}

// record returns the record to which changes of an account are written, or nil.
func (s *State) record(id string) *Record { return s.exactRecord(s.root(id)) }

// joinedRecord returns the joined registers of an account under its smallest id, or
// nil. A secret that was set as device-bound goes before one that was not: it is
// this device's own, and that of another device does not replace it.
func (s *State) joinedRecord(id string) *Record {
	members := s.members(id)
	var bound, free *Record
	for _, r := range members {
		part := &free
		if r.DeviceBound.Value {
			part = &bound
		}
		if *part == nil {
			*part = r
		} else {
			*part = join(*part, r)
		}
	}
	if bound == nil || free == nil {
		return cmp.Or(bound, free)
	}
	j := join(bound, free)
	j.ID = members[0].ID
	if bound.Secret.Value.Hash() != "" {
		j.Secret = bound.Secret
		j.DeviceBound.At = latest(j.DeviceBound.At, free.Secret.At)
	}
	return j
}

// joined returns one record for each account. The records of linked ids are joined
// under the smallest id, at the position of the first of them.
func (s *State) joined() []*Record {
	if len(s.Links) == 0 {
		return s.Records
	}
	list, done := make([]*Record, 0, len(s.Records)), map[string]bool{}
	for _, r := range s.Records {
		if root := s.root(r.ID); !done[root] {
			done[root] = true
			list = append(list, s.joinedRecord(root))
		}
	}
	return list
}

// accountOf returns a function from a record to the joined registers of its account.
func (s *State) accountOf() func(*Record) *Record {
	if len(s.Links) == 0 {
		return func(r *Record) *Record { return r }
	}
	whole := map[string]*Record{}
	for _, j := range s.joined() {
		whole[j.ID] = j
	}
	return func(r *Record) *Record { return whole[s.root(r.ID)] }
}

func (s *State) setLinks(links map[string]string) { s.Links, s.groups, s.index = links, nil, nil }
