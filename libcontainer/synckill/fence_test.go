package synckill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pause is long enough to see that something does not happen.
const pause = 50 * time.Millisecond

// bounded fails the test if ch has nothing to receive for long.
func bounded[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: not within 10s", what)
	}
	return v
}

func enter(t *testing.T, dir string) (leave func()) {
	t.Helper()
	leave, err := EnterExec(dir)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

// entering calls EnterExec and sends what it returned.
func entering(t *testing.T, dir string) <-chan func() {
	in := make(chan func(), 1)
	go func() {
		leave, err := EnterExec(dir)
		if err != nil {
			t.Error(err)
			leave = func() {}
		}
		in <- leave
	}()
	return in
}

// TestFenceLocks is what an exec does with the two locks: execs don't keep each other
// out, hold the room until they leave, and wait at the gate.
func TestFenceLocks(t *testing.T) {
	dir := t.TempDir()
	a, b := enter(t, dir), enter(t, dir)
	other, err := openFence(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	try := func(what string, place lockPlace, want bool) {
		t.Helper()
		if free, err := other.tryLock(place, unix.F_WRLCK); free != want || err != nil {
			t.Errorf("%s: free %t, %v; want %t", what, free, err, want)
		}
	}
	try("the gate, with two in the room", other.gate, true)
	if _, err := enterExec(dir, pause); !errors.Is(err, errShut) {
		t.Errorf("by a shut gate: %v, want %v", err, errShut)
	}
	late := entering(t, dir)
	a()
	try("the room, with one in it", other.room, false)
	b()
	try("the room, with nobody in it", other.room, true)
	select {
	case <-late:
		t.Fatal("an exec passed the gate")
	case <-time.After(pause):
	}
	if err := errors.Join(other.lock(other.gate, unix.F_UNLCK), other.lock(other.room, unix.F_UNLCK)); err != nil {
		t.Fatal(err)
	}
	bounded(t, "exec after both locks", late)()
}

func TestFenceOpen(t *testing.T) {
	dir := t.TempDir()
	barrier, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !barrier.held {
		t.Error("a fence with nobody in it is not closed at once")
	}
	barrier.lower()
	enter(t, dir)()
}

// TestFenceClosed keeps execs out from before the room is empty until the
// fence is lowered.
func TestFenceClosed(t *testing.T) {
	dir := t.TempDir()
	leave := enter(t, dir)
	barrier, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	if barrier.held {
		t.Fatal("closed with an exec in the room")
	}
	if closed, err := barrier.wait(t.Context(), pause); closed || err != nil {
		t.Fatalf("closed %t, %v, with an exec in the room", closed, err)
	}
	in := entering(t, dir)
	select {
	case <-in:
		t.Fatal("an exec passed the gate of a kill")
	case <-time.After(pause):
	}
	leave()
	for closed := false; !closed; {
		if closed, err = barrier.wait(t.Context(), 10*time.Second); err != nil || !closed {
			t.Fatalf("closed %t, %v, with nobody in the room", closed, err)
		}
	}
	select {
	case <-in:
		t.Fatal("an exec passed the closed fence")
	case <-time.After(pause):
	}
	barrier.lower()
	bounded(t, "exec after the fence was lowered", in)()
}

// TestFenceGivesUp leaves no lock behind when the wait for a hung exec ends.
func TestFenceGivesUp(t *testing.T) {
	dir := t.TempDir()
	leave := enter(t, dir)
	barrier, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), pause)
	defer cancel()
	if closed, err := barrier.wait(ctx, time.Hour); closed || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed %t, %v; want the deadline", closed, err)
	}
	barrier.lower()
	leave()
	bounded(t, "exec after the kill gave up", entering(t, dir))()
}

// TestFenceStream closes the fence although execs keep coming.
func TestFenceStream(t *testing.T) {
	dir := t.TempDir()
	var stop atomic.Bool
	var execs sync.WaitGroup
	for range 4 {
		execs.Go(func() {
			for !stop.Load() {
				leave, err := EnterExec(dir)
				if err != nil {
					t.Error(err)
					return
				}
				leave()
			}
		})
	}
	for range 20 {
		barrier, err := raise(dir)
		if err != nil {
			t.Fatal(err)
		}
		closed, err := barrier.wait(t.Context(), 10*time.Second)
		if !closed || err != nil {
			t.Errorf("closed %t, %v", closed, err)
		}
		barrier.lower()
	}
	stop.Store(true)
	execs.Wait()
}

// TestFencePatience has an exec give up, which leaves nothing behind.
func TestFencePatience(t *testing.T) {
	dir := t.TempDir()
	barrier, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enterExec(dir, pause); !errors.Is(err, errShut) {
		t.Errorf("%v, want the error of a fence that is shut", err)
	}
	other := enter(t, dir+"other") // containers don't share it
	other()
	barrier.lower()
	enter(t, dir)()
	// The one that gave up may pass right now, on its way out.
	again, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	for closed := false; !closed; {
		if closed, err = again.wait(t.Context(), 10*time.Second); err != nil || !closed {
			t.Fatalf("closed %t, %v", closed, err)
		}
	}
	again.lower()
}

// TestFenceReplaced has the container deleted, and another one of its name
// created, while an exec waits: it goes on waiting for the kill to end.
func TestFenceReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "id")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	barrier, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	in := entering(t, dir)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	late := entering(t, dir)
	select {
	case <-in:
		t.Fatal("an exec passed the fence when the state directory was replaced")
	case <-late:
		t.Fatal("an exec passed the fence by way of the new state directory")
	case <-time.After(pause):
	}
	barrier.lower()
	bounded(t, "exec after the fence was lowered", in)()
	bounded(t, "exec into the new container", late)()
}

// TestFenceOfOthers kills one container while execs go into others.
func TestFenceOfOthers(t *testing.T) {
	root := t.TempDir()
	barrier, err := raise(filepath.Join(root, "one"))
	if err != nil {
		t.Fatal(err)
	}
	defer barrier.lower()
	if !barrier.held {
		t.Fatal("not closed at once")
	}
	for _, id := range []string{"two", "one.", "on", "One"} {
		bounded(t, "exec into "+id, entering(t, filepath.Join(root, id)))()
	}
}

// FuzzPlaces keeps the two locks within the offsets that fcntl takes.
func FuzzPlaces(f *testing.F) {
	f.Add("")
	f.Add("a")
	f.Fuzz(func(t *testing.T, id string) {
		if gate, room := places(id); gate < 0 || room != gate+1 {
			t.Errorf("%q: gate %d, room %d", id, gate, room)
		}
	})
}

func TestFenceWithoutContainer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "no-root", "none")
	leave, err := EnterExec(dir)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	// Who makes a container must not go on unfenced, and who ends one can't know
	// who was in the room of a fence that is gone.
	if _, err := enterExec(dir, time.Second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("enter: %v, want %v", err, os.ErrNotExist)
	}
	if _, err := raise(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("raise: %v, want %v", err, os.ErrNotExist)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the fence made a state directory")
	}
}
