package drain

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// torn is a part that lists somebody and then fails.
type torn struct {
	pids     func() []int
	listErr  error
	amongErr error
}

func (p *torn) name() string { return "torn" }

func (p *torn) list(bounds) (members, error) { return members{pids: p.pids()}, p.listErr }

func (p *torn) among([]int, bounds) (func(pid int) bool, error) {
	pids := p.pids()
	return func(pid int) bool { return slices.Contains(pids, pid) }, p.amongErr
}

// TestTornListing signals whoever was listed of what can't be read to its end, in
// batches of any size, and says what could not be read.
func TestTornListing(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		var pids []int
		for range 3 {
			pids = append(pids, child(t).Process.Pid)
		}
		slices.Sort(pids)
		d := newDrainer(t.Context(), Group{}, Request{Signal: sig})
		t.Cleanup(func() { _ = d.close() })
		d.held.budget = least
		p := &torn{func() []int { return pids }, unix.EACCES, unix.EACCES}
		var n int
		var err error
		if sig == unix.SIGKILL {
			n, _, err = d.kill.each(p)
		} else {
			n, err = d.signalPart(p, sig)
		}
		if n != len(pids) || !errors.Is(err, unix.EACCES) {
			t.Errorf("signal %d: %d signalled, %v", int(sig), n, err)
		}
		for _, pid := range pids {
			await(t, "its end", func() bool { st, err := readStat(pid); return err != nil || st.dead() })
		}
	}
}

// TestFoundThoughExhausted has a part that was not empty when descriptors ran
// out, and is when it is looked at again: who was in it may have added somebody
// to another part since that was read.
func TestFoundThoughExhausted(t *testing.T) {
	pid, calls := child(t).Process.Pid, 0
	p := &torn{listErr: nil, amongErr: unix.EMFILE, pids: func() []int {
		if calls++; calls <= 2 {
			return []int{pid}
		}
		return nil
	}}
	d := newDrainer(t.Context(), Group{}, Request{Signal: unix.SIGKILL})
	t.Cleanup(func() { _ = d.close() })
	f, err := d.sweep(p)
	if !f.populated || err != nil || calls < 3 {
		t.Errorf("got %+v, %v after %d listings; want it populated", f, err, calls)
	}
}

// TestUnsignalledKeepsNobody has a process that can't be signalled, and two
// sources: those in the second are killed with the first look as well, since
// that is the last.
func TestUnsignalledKeepsNobody(t *testing.T) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	first, second := child(t).Process.Pid, child(t).Process.Pid
	g := Group{Sources: []Source{
		pidSource(func() []int { return []int{first} }), pidSource(func() []int { return []int{second} }),
	}}
	d := newDrainer(t.Context(), g, Request{Signal: unix.SIGKILL})
	t.Cleanup(func() { _ = d.close() })
	d.held.handles = []handle{{pid: first, fd: null, own: true}}
	if _, err := d.look(); !unsignalled(err) {
		t.Errorf("got %v, want the error of a signal", err)
	}
	await(t, "its end", func() bool { st, err := readStat(second); return err != nil || st.dead() })
}

// calledOff is a source that says that somebody called it off.
type calledOff struct{ pidSource }

func (calledOff) Pids(func() error) ([]int, error) { return nil, context.Canceled }

// TestSourceCalledOff claims nothing where a source was called off and the drain
// was not.
func TestSourceCalledOff(t *testing.T) {
	g := Group{Sources: []Source{calledOff{pidSource(func() []int { return nil })}}}
	if rep, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL}); err == nil || rep.Drained {
		t.Errorf("got %+v, %v", rep, err)
	}
}

// TestGivenUpLast gives up what has to be put back or thawed after the others.
func TestGivenUpLast(t *testing.T) {
	open := func(path string, v Version) *Tree {
		fd, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr := &Tree{Path: path, Version: v, dir: fd, events: -1}
		t.Cleanup(tr.Close)
		return tr
	}
	a, pids, freezer, v2 := open("a", V1), open("pids", V1), open("freezer", V1), open("v2", V2)
	freezer.freezer = true
	d := newDrainer(t.Context(), Group{Trees: []*Tree{v2, a, pids, freezer}}, Request{})
	t.Cleanup(func() { _ = d.close() })
	d.limits.changed = map[*Tree]bool{pids: true}
	var order []string
	for d.makeRoom(nil, unix.EMFILE) {
		for _, tr := range []*Tree{a, pids, freezer, v2} {
			if !tr.Exists() && !slices.Contains(order, tr.Path) {
				order = append(order, tr.Path)
			}
		}
	}
	if want := []string{"a", "freezer", "pids", "v2"}; !slices.Equal(order, want) {
		t.Errorf("given up: %q, want %q", order, want)
	}
}

// TestCutBeforeGone tells that there are more cgroups than were read, also if
// those that were read are gone by the time that they are entered.
func TestCutBeforeGone(t *testing.T) {
	dir := group(t, V2, "")
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w := walk{tree: tree(t, dir, V2), bounds: bounds{dirs: 3}, seen: 1}
	if names, err := w.subdirectories(w.tree.dir); err != nil || len(names) <= 2 || !w.cut {
		t.Errorf("got %q, %v, cut %t", names, err, w.cut)
	}
}
