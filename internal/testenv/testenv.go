// Package testenv is what tests ask of the machine that they run on: the programs of others, and the environment variables
// that say how much of the work is done. It is for tests alone.
//
//	AUTH_TEST_REQUIRE   parts whose absence is a failure and not a skip, with commas between them
//	AUTH_TEST_LONG      anything: the long tests run too
//	AUTH_TEST_SEED      a number: random tests begin from it, which repeats a failure
package testenv

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Required reports whether a part has to be there.
func Required(part string) bool {
	return slices.Contains(strings.Split(os.Getenv("AUTH_TEST_REQUIRE"), ","), part)
}

// Missing ends a test whose part is not there: it fails where the part is required, and is skipped elsewhere. How says what
// is missing, and how to get it.
func Missing(t testing.TB, part, how string) {
	t.Helper()
	if Required(part) {
		t.Fatalf("%s is required: %s", part, how)
	}
	t.Skip(how)
}

// Program returns the path of a program, which is a part by its own name. The test ends as with [Missing] where it is not
// installed; debian is the package that has it.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "needs the Debian package "+debian)
	}
	return path
}

// Long reports whether tests do what takes long.
func Long() bool { return os.Getenv("AUTH_TEST_LONG") != "" }

// NeedLong skips a test that takes long, unless such tests run.
func NeedLong(t testing.TB) {
	t.Helper()
	if !Long() {
		t.Skip("takes long: set AUTH_TEST_LONG")
	}
}

// Seed returns what a random test begins from: the number in AUTH_TEST_SEED, or another one each time. A test that fails
// says which it was.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text, ok := os.LookupEnv("AUTH_TEST_SEED"); ok {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal("AUTH_TEST_SEED: ", err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("AUTH_TEST_SEED=%d repeats this", seed)
		}
	})
	return seed
}

// Rand returns chance that begins from [Seed]. It is for one goroutine.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}
