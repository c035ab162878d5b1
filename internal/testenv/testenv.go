// Package testenv tells tests which programs the machine has, and how much work to do.
// Only tests use it.
//
//	AUTH_TEST_REQUIRE   comma-separated parts that must be present: without one, its tests fail
//	AUTH_TEST_LONG      any value: also run the long tests
//	AUTH_TEST_SEED      a number: the seed of random tests, to repeat a failure; "new": another one each time
//	AUTH_TEST_HISTORIES a number: how many new histories internal/e2e/sim lives, from AUTH_TEST_SEED on
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

// Required reports whether a part must be present.
func Required(part string) bool {
	return slices.Contains(strings.Split(os.Getenv("AUTH_TEST_REQUIRE"), ","), part)
}

// Missing ends a test that lacks a part. The test fails if the part is required and is
// skipped otherwise. how says what is missing and how to get it.
func Missing(t testing.TB, part, how string) {
	t.Helper()
	if Required(part) {
		t.Fatalf("%s is required: %s", part, how)
	}
	t.Skip(how)
}

// Program returns the path of a program. Its name is also the name of the part. If it is
// not installed, the test ends as with [Missing]. debian is the package that contains it.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "needs the Debian package "+debian)
	}
	return path
}

// Long reports whether long tests run.
func Long() bool { return os.Getenv("AUTH_TEST_LONG") != "" }

// NeedLong skips a long test unless long tests run.
func NeedLong(t testing.TB) {
	t.Helper()
	if !Long() {
		t.Skip("takes long: set AUTH_TEST_LONG")
	}
}

// Seed returns the seed of a random test: the same one each time, unless AUTH_TEST_SEED says
// otherwise. A commit is not judged by chance. What a new seed finds is seldom the fault of
// the change that is being tested, so new ones are for the nights. A failing test prints it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(1)
	switch text := os.Getenv("AUTH_TEST_SEED"); text {
	case "":
	case "new":
		seed = rand.Uint64()
	default:
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

// Rand returns a random generator with the seed of [Seed]. It is for one goroutine.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}
