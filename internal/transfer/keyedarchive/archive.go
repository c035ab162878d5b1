// Package keyedarchive reads what NSKeyedArchiver of Apple's Foundation writes: a
// binary property list with a table of objects that refer to each other.
//
// Its input is hostile: nothing is walked but what is asked for, so that objects that
// hold themselves or each other many times over cost nothing, and it panics on no
// bytes. No class is ever made; objects are their members.
//
// Source: the format of binary property lists in Apple's CFBinaryPList.c.
package keyedarchive

import (
	"errors"
	"iter"
)

// ErrFormat is returned for what is no keyed archive.
var ErrFormat = errors.New("not a keyed archive")

// A Value is one object of an archive. The zero Value stands for what is not there;
// its methods, and those of a Value of another kind, give nothing.
type Value struct {
	archive *archive
	object  object
}

type archive struct {
	list    *plist
	objects object // the array $objects
}

// Read returns the root object of an archive. It refers to data. The error is
// [ErrFormat].
func Read(data []byte) (Value, error) {
	list, top, err := readPlist(data)
	if err != nil {
		return Value{}, err
	}
	whole := list.at(top)
	a := &archive{list: list, objects: list.member(whole, "$objects")}
	root := list.member(list.member(whole, "$top"), "root")
	if a.objects.kind != kindArray || root.kind != kindUID {
		return Value{}, ErrFormat
	}
	return a.resolve(root), nil
}

// resolve returns the object that a UID stands for, and any other object as it is.
func (a *archive) resolve(o object) Value {
	if o.kind == kindUID {
		if o.number >= float64(a.objects.count) {
			return Value{}
		}
		o = a.list.element(a.objects, int(o.number))
	}
	return Value{archive: a, object: o}
}

// member returns a member of the object itself.
func (v Value) member(key string) Value {
	if v.archive == nil {
		return Value{}
	}
	return v.archive.resolve(v.archive.list.member(v.object, key))
}

// Get returns the value of a key of a dictionary, or a member of another object,
// of those that have at most 100.
func (v Value) Get(key string) Value {
	keys, values := v.member("NS.keys").object, v.member("NS.objects").object
	if keys.kind != kindArray || values.kind != kindArray || keys.count > maxMembers {
		return v.member(key)
	}
	for i := range min(keys.count, values.count) {
		if v.archive.resolve(v.archive.list.element(keys, i)).object.is(key) {
			return v.archive.resolve(v.archive.list.element(values, i))
		}
	}
	return Value{}
}

// List iterates over the elements of an array or a set.
func (v Value) List() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		elements := v.member("NS.objects").object
		if elements.kind != kindArray {
			return
		}
		for i := range elements.count {
			if !yield(v.archive.resolve(v.archive.list.element(elements, i))) {
				return
			}
		}
	}
}

// Text returns a string, mutable or not, of at most 64 KiB.
func (v Value) Text() string {
	if v.object.kind == kindDict {
		return v.member("NS.string").object.text()
	}
	return v.object.text()
}

// Bytes returns the content of an NSData, mutable or not.
func (v Value) Bytes() []byte {
	o := v.object
	if o.kind == kindDict {
		o = v.member("NS.data").object
	}
	if o.kind != kindData {
		return nil
	}
	return o.raw
}

// Number returns a number, and whether it is one.
func (v Value) Number() (float64, bool) {
	switch v.object.kind {
	case kindInt, kindReal:
		return v.object.number, true
	}
	return 0, false
}
