//go:build linux

package keyring_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// killLimit makes chunks of macOS's size on the Secret Service, so that a kill
// falls between them.
const killLimit = 2800

// killSize is the bytes of a generation: inline, one chunk, several chunks.
func killSize(generation uint64) int { return []int{200, 3000, 5000}[generation%3] }

// writeForever is a process that saves one generation after the other, and
// says so after each, until it is killed.
func writeForever(k keyring.Keyring) {
	ctx := context.Background()
	s := keyring.NewStore(limited{k, killLimit})
	snap, err := s.Load(ctx)
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		fmt.Println(err)
		return
	}
	for generation := snap.Generation + 1; ; generation++ {
		fmt.Println("begin", generation)
		if err := s.Save(ctx, generation, pieces(generation, killSize(generation))...); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("end", generation)
	}
}

// TestKill kills a writer at any moment; what is there then is the last
// generation that it acknowledged or the one that it had begun.
func TestKill(t *testing.T) {
	t.Parallel()
	s := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	kills := testenv.Times(t, "a process that writes to the Secret Service is killed", 15, 100)
	if testing.Short() && !testenv.Long() {
		kills = 5
	}
	k, known := killer{chance: testenv.Rand(t)}, uint64(0)
	for range kills {
		acknowledged, begun := k.killWriter(t, s)
		acknowledged = max(acknowledged, known)
		out := run(t, s.Env, "load")
		var got uint64
		if _, err := fmt.Sscanf(out, "generation %d", &got); err != nil {
			if acknowledged > 0 || out != keyring.ErrNotFound.Error() {
				t.Fatalf("after a kill: %s", out)
			}
			continue
		}
		if got < acknowledged || got > begun {
			t.Fatalf("after a kill: generation %d; %d was acknowledged, %d begun", got, acknowledged, begun)
		}
		known = got
	}
}

// A killer knows how long a write takes on this machine now.
type killer struct {
	chance *rand.Rand
	write  time.Duration // the longest one so far
}

// killWriter runs a writer for some writes, kills it in the next one or soon
// after it, and returns the last generations that it had written and begun.
func (k *killer) killWriter(t *testing.T, s *keyringtest.Service) (acknowledged, begun uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), s.Env...), programVar+"=write")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	whole := k.chance.IntN(4) // how many writes it may end before
	var began time.Time
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var what string
		var generation uint64
		if n, _ := fmt.Sscan(lines.Text(), &what, &generation); n != 2 {
			t.Errorf("the writer said: %s", lines.Text())
			break
		}
		if what == "end" {
			acknowledged = generation
			k.write = max(k.write, time.Since(began))
			whole--
			continue
		}
		if whole == 0 {
			kill.Reset(time.Duration(1.2 * k.chance.Float64() * float64(k.write)))
		}
		begun, began = generation, time.Now()
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if whole > 0 {
		t.Errorf("the writer ended by itself, after generation %d", acknowledged)
	}
	return acknowledged, begun
}

// load says what is there and compares it with what was written.
func load(k keyring.Keyring) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	snap, err := keyring.NewStore(limited{k, killLimit}).Load(ctx)
	if err != nil {
		return err.Error()
	}
	if string(dataOf(snap)) != string(incompressible(snap.Generation, killSize(snap.Generation))) {
		return "not what was written"
	}
	return fmt.Sprint("generation ", snap.Generation)
}
