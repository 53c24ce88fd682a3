package drain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Group is what is signalled and drained as one.
type Group struct {
	Trees     []*Tree
	Processes []Process // single ones, wherever they are: a container's init
	Sources   []Source  // finders of processes that no cgroup holds together
}

// Source finds processes by another mark than a cgroup.
type Source interface {
	// Pids lists the IDs of the processes that bear the mark now. An empty list
	// says that there are none; a list may hold some that have ended.
	Pids() ([]int, error)
	// Has tells whether the process with this ID bears the mark. It is asked
	// once that is pinned by a pidfd: only then it is signalled.
	Has(pid int) bool
	String() string
}

// Scope says who gets a signal other than SIGKILL.
type Scope int

const (
	// Everyone in the group gets the signal.
	Everyone Scope = iota
	// ProcessesOnly sends it to Group.Processes alone.
	ProcessesOnly
)

// Request says what to send and how.
type Request struct {
	// Signal is sent first; 0 sends nothing and only waits. SIGKILL none
	// goes to everyone.
	Signal unix.Signal
	Scope  Scope
	// KillAfter, if not 0, is the time after which everyone gets SIGKILL.
	KillAfter time.Duration
	// Count has the processes counted before a cgroup.kill, which costs a
	// reading of all of them.
	Count bool
	// Progress, if not nil, is called twice a second with the number of
	// processes left, from the goroutine that drains.
	Progress func(left int, elapsed time.Duration)
	// Log, if not nil, gets one record a step at level debug.
	Log Logger
}

// Logger is what a drain logs to; *slog.Logger is one.
type Logger interface {
	Debug(step string, keysAndValues ...any)
}

// Mechanisms that a [Report] names.
const (
	CgroupKill = "cgroup.kill"       // Linux 5.14
	PidfdKill  = "pidfd_send_signal" // Linux 5.3
	PlainKill  = "kill"
)

// Report is what a drain did.
type Report struct {
	Mechanism []string      // what sent the signals, in order of first use
	Signalled int           // processes; -1 where a cgroup.kill was not counted
	Rounds    int           // times the group was looked over
	Elapsed   time.Duration // from the call to its return
	Drained   bool
	Idle      bool       // nothing was there to begin with
	Survivors []Survivor // the first [SurvivorLimit], if not drained
}

// ErrNoProcess says that a signal for Group.Processes alone found none of them
// alive. Nothing was signalled.
var ErrNoProcess = errors.New("no process to signal")

// Drain sends r.Signal to the group and waits until all of it is gone: each
// process in g.Processes and each that was seen has terminated, and every tree
// and source is empty. A zombie is gone.
//
// Errors: [*TimeoutError] when ctx's deadline passes; ctx's cause when it is
// cancelled; [*UnsafeError], before anything is signalled, for a tree that
// can't be a container's; [*UnverifiableError] where emptiness can't be known.
// The report is valid in any case. A call may be repeated at any time.
func Drain(ctx context.Context, g Group, r Request) (rep Report, err error) {
	d := &drainer{group: g, req: r, began: time.Now(), hit: map[int]uint64{}, sizes: map[*Tree]int{}}
	defer func() { rep = d.finish(err) }()
	if err := checkSafe(g.Trees); err != nil {
		return rep, err
	}
	if d.watch, err = newWatch(ctx); err != nil {
		return rep, err
	}
	defer d.watch.close()
	defer func() { err = errors.Join(err, d.restoreLimits()) }()
	return rep, d.run(ctx)
}

// finish completes the report.
func (d *drainer) finish(err error) Report {
	d.report.Elapsed = time.Since(d.began)
	d.report.Drained = err == nil
	d.report.Signalled = len(d.hit)
	if d.many {
		d.report.Signalled = -1
	}
	d.ended(err)
	return d.report
}

// lister is what a tree and a source have in common.
type lister interface {
	list(limit int) (members, error)
	// among returns a test of which of the processes that have the IDs pids,
	// ascending, are in it at the moment of the call, or later.
	among(pids []int) (func(pid int) bool, error)
	name() string
}

func (t *Tree) name() string { return t.Path }

func (t *Tree) among(pids []int) (func(pid int) bool, error) {
	m, err := t.read(bounds{first: pids[0], last: pids[len(pids)-1], ascending: t.Version == V1}, make([]int, 0, len(pids)))
	in := func(pid int) bool {
		_, found := slices.BinarySearch(m.pids, pid)
		return found
	}
	// That v1's lists are sorted is how the kernel makes them; its documentation
	// promises nothing. Whoever was not found is looked for in all of it.
	if err == nil && t.Version == V1 && !allOf(pids, in) {
		m, err = t.list(0)
	}
	return in, err
}

func allOf(pids []int, is func(pid int) bool) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return !is(pid) })
}

type sourceLister struct{ Source }

func (s sourceLister) name() string { return s.String() }

func (s sourceLister) among([]int) (func(pid int) bool, error) { return s.Has, nil }

func (s sourceLister) list(int) (members, error) {
	pids, err := s.Pids()
	slices.Sort(pids)
	return members{pids: slices.Compact(pids)}, err
}

// listers are the group's trees, v2 first: they tell most for least.
func (g Group) listers() []lister {
	var ls []lister
	for _, v := range []Version{V2, V1} {
		for _, t := range g.Trees {
			if t.Version == v && t.Exists() {
				ls = append(ls, t)
			}
		}
	}
	for _, s := range g.Sources {
		ls = append(ls, sourceLister{s})
	}
	return ls
}

// drainer is one call of Drain.
type drainer struct {
	group   Group
	req     Request
	began   time.Time
	watch   *watch         // holds Group.Processes first, then what was seen
	killing bool           // SIGKILL has been called for
	struck  bool           // and killHeld has been called
	hit     map[int]uint64 // start times of the processes signalled; 0 for SIGKILL
	counted bool           // all that a cgroup.kill will hit are in hit
	many    bool           // a cgroup.kill hit more than are in hit
	ending  int            // processes that shrinking last counted; 0 while they are few
	// counting is when it did.
	counting time.Time
	quiet    int            // waits in a row that ended without news
	sizes    map[*Tree]int  // processes of v2 trees that were killed and stay
	limits   []func() error // put pids.max back
	limited  bool           // stopForks was tried
	report   Report
}

func (d *drainer) run(ctx context.Context) error {
	if err := d.openProcesses(); err != nil {
		return err
	}
	d.found()
	d.killing = d.req.Signal == unix.SIGKILL
	d.report.Idle = len(d.watch.held) == 0
	if err := d.signalFirst(); err != nil {
		return err
	}
	for ; ; d.quiet++ {
		// After the first wait that ended without news all trees are looked
		// at; before, one that is not empty is enough to know where to wait.
		// So it is as long as many are ending there: to look for what is in
		// another tree only, and kill it one by one, can wait for them. No
		// drain ends without a look over all trees that found them empty.
		left, err := d.look(d.quiet > 0 && !d.shrinking())
		if err != nil {
			return err
		}
		d.looked(left)
		if !left {
			return nil
		}
		d.report.Idle = false
		if err := d.wait(ctx); err != nil {
			if errors.Is(err, errDrained) {
				return nil
			}
			return err
		}
	}
}

// patience is how long processes that cgroup.kill has hit may take until one of
// them at least has ended: on a busy machine none may have had its turn before.
const patience = 500 * time.Millisecond

// shrinking tells whether the v2 trees that are being waited for held more
// processes than can be watched when they were killed, and hold fewer now than
// when they were last counted: a thousand take longer to end than the first
// tick.
func (d *drainer) shrinking() bool {
	if !d.killing || d.ending == 0 || len(d.watch.trees) == 0 {
		return false
	}
	if time.Since(d.counting) < patience {
		return true
	}
	n := 0
	for _, t := range d.watch.trees {
		m, err := t.list(0)
		if err != nil {
			return false // the look that follows tells why
		}
		n += len(m.pids)
	}
	was := d.ending
	d.ending, d.counting = n, time.Now()
	return n < was
}

// errDrained is what wait returns when the group proves empty at the deadline.
var errDrained = errors.New("drained")

// openProcesses takes hold of Group.Processes; those gone are left out.
func (d *drainer) openProcesses() error {
	for _, p := range d.group.Processes {
		h, err := d.take(p)
		switch {
		case errors.Is(err, unix.ESRCH):
		case err != nil:
			return &UnverifiableError{What: fmt.Sprintf("process %d", p.Pid), Err: err}
		default:
			d.watch.held = append(d.watch.held, h)
		}
	}
	return nil
}

// take takes hold of a process that lives; ESRCH if it does not. One that can't
// be told by its start time has to be in one of the trees.
func (d *drainer) take(p Process) (handle, error) {
	h, err := openProcess(p)
	if err != nil && !errors.Is(err, errUnproven) {
		return h, err
	}
	gone, terr := h.terminated()
	switch {
	case gone:
		err = unix.ESRCH
	case terr != nil:
		err = terr
	case err == nil || d.isMember(p.Pid): // it is pinned, and keeps its ID
		return h, nil
	}
	h.close()
	return h, err
}

// isMember tells whether the process with this ID is in one of the trees.
func (d *drainer) isMember(pid int) bool {
	return slices.ContainsFunc(d.group.Trees, func(t *Tree) bool {
		in, err := t.Contains(pid)
		return err == nil && in
	})
}

// signalFirst sends the request's signal, unless it is SIGKILL: that is sent
// by each look.
func (d *drainer) signalFirst() error {
	sig := d.req.Signal
	if sig == 0 || d.killing {
		return nil
	}
	if d.req.Scope == ProcessesOnly && len(d.watch.held) == 0 {
		return ErrNoProcess
	}
	if err := d.signalHeld(sig); err != nil || d.req.Scope == ProcessesOnly {
		return err
	}
	// A process that forks between being listed and getting the signal leaves
	// a child without it; the next round finds that. Not more than three, or
	// the children of a handler that cleans up would be signalled as well.
	for range 3 {
		fresh := 0
		for _, l := range d.group.listers() {
			m, err := d.list(l)
			if err != nil {
				return err
			}
			n, err := d.confirmed(l, m.pids, none, func(h handle) error { return d.signalOnce(h, sig) })
			if err != nil {
				return err
			}
			fresh += n
		}
		d.report.Rounds++
		d.debug("signalled", "signal", int(sig), "processes", fresh)
		if fresh == 0 {
			return nil
		}
		d.report.Idle = false
	}
	return nil
}

// signalHeld sends sig to every process held.
func (d *drainer) signalHeld(sig unix.Signal) error {
	for _, h := range d.watch.held {
		if err := d.send(h, sig); err != nil {
			return err
		}
		d.remember(h)
	}
	return nil
}

func (d *drainer) send(h handle, sig unix.Signal) error {
	if err := h.signal(sig); err != nil {
		return err
	}
	d.used(pidMechanism(h))
	return nil
}

func pidMechanism(h handle) string {
	if h.fd < 0 {
		return PlainKill
	}
	return PidfdKill
}

// remember notes that the process has had its signal, by ID and start time: it
// may not be held all the while.
func (d *drainer) remember(h handle) {
	st, _ := readStat(h.pid)
	d.hit[h.pid] = st.start
}

// signalOnce sends sig to h unless it has had it.
func (d *drainer) signalOnce(h handle, sig unix.Signal) error {
	if start, ok := d.hit[h.pid]; ok {
		// A start time that /proc hides reads as 0.
		if st, _ := readStat(h.pid); st.start == start {
			return errKnown
		}
	}
	if err := d.send(h, sig); err != nil {
		return err
	}
	d.remember(h)
	return nil
}

// look goes over the group once: it finds out whether anything is left, sees
// to it that this is being waited for, and, once SIGKILL has been called for,
// kills it.
func (d *drainer) look(thorough bool) (left bool, err error) {
	d.report.Rounds++
	d.watch.trees = d.watch.trees[:0]
	if d.killing {
		if err := d.count(); err != nil {
			return true, err
		}
		// What was seen in earlier looks may have left its tree since. The
		// first look leaves this to its steps: see killHeld.
		if d.struck {
			if err := d.killHeld(nil); err != nil {
				return true, err
			}
		}
	}
	for _, l := range d.group.listers() {
		populated, err := d.sweep(l)
		if err != nil && d.killing {
			err = errors.Join(err, d.killHeld(nil)) // whoever is known, all the same
		}
		if err != nil {
			return true, err
		}
		left = left || populated
		if populated && !thorough {
			break
		}
	}
	if d.killing {
		if err := d.strike(nil); err != nil {
			return true, err
		}
		if err := d.thaw(left); err != nil {
			return true, err
		}
	}
	if d.killing && len(d.report.Mechanism) == 0 && len(d.watch.held) > 0 {
		d.used(pidMechanism(d.watch.held[0])) // that was all it took
	}
	if held := len(d.watch.held); !left && held > 0 {
		if err := d.watch.bury(); err != nil {
			return true, err
		}
		if len(d.watch.held) < held {
			// Who was alive a moment ago may have added somebody since the
			// trees were read.
			return d.look(thorough)
		}
	}
	return left || len(d.watch.held) > 0, nil
}

// strike is killHeld for the first look that kills: whichever step comes to it.
func (d *drainer) strike(coming []int) error {
	if d.struck {
		return nil
	}
	return d.killHeld(coming)
}

// killHeld sends SIGKILL to the processes held: Group.Processes, which may be
// in no tree, and what was seen. They get it before anybody else: an init that
// lives elsewhere would see its children die, and fork. Those in coming, which
// is ascending, don't: a cgroup.kill follows that hits them with all others.
//
// The first process of a PID namespace that is killed on its own has all of it
// killed, and waits for each; with every child that ends it is woken, and goes
// through all that are left. 10,000 children take 1.1 s to end that way, and
// 0.35 s if they are hit before it has come so far (6.18, zap_pid_ns_processes).
func (d *drainer) killHeld(coming []int) error {
	d.struck = true
	for _, h := range d.watch.held {
		d.hit[h.pid] = 0
		if _, found := slices.BinarySearch(coming, h.pid); found {
			continue
		}
		if err := h.signal(unix.SIGKILL); err != nil {
			return err
		}
	}
	return nil
}

// count counts what a cgroup.kill will hit, if the request asks for it. It
// does so before anything is killed: with its init a PID namespace goes.
func (d *drainer) count() error {
	if !d.req.Count || d.counted {
		return nil
	}
	d.counted = true
	for _, t := range d.group.Trees {
		if t.Version != V2 {
			continue
		}
		m, err := t.list(0)
		if err != nil {
			return &UnverifiableError{What: t.Path, Err: err}
		}
		for _, pid := range m.pids {
			d.hit[pid] = 0
		}
	}
	return nil
}

// sweep looks at one tree or source.
func (d *drainer) sweep(l lister) (populated bool, err error) {
	t, _ := l.(*Tree)
	if t != nil && t.Version == V2 {
		if populated, err = t.populated(); err != nil {
			return false, &UnverifiableError{What: t.Path, Err: err}
		}
		if !populated {
			return false, nil
		}
		if t.events >= 0 {
			d.watch.trees = append(d.watch.trees, t)
		}
	}
	if populated && d.killing {
		killed, err := d.killTree(t)
		if err == nil && killed {
			killed, err = d.heeds(t)
		}
		if killed || err != nil {
			return true, err
		}
	}
	pass := d.hold
	if d.killing {
		if err := d.strike(nil); err != nil {
			return true, err
		}
		pass = d.killEach
	}
	// Only an empty listing says that nobody is left: where all that were
	// listed had ended when they were looked at, their children may live.
	for range 3 {
		n, m, err := pass(l)
		if populated || n > 0 || m.empty() || err != nil {
			return populated || n > 0, err
		}
	}
	return true, nil
}

// killTree kills a v2 tree by cgroup.kill; false if that can't be had.
func (d *drainer) killTree(t *Tree) (bool, error) {
	// Few processes are pinned first: a pidfd tells their end at once, while
	// the notification through cgroup.events may be 10 ms late.
	_, m, err := d.hold(t)
	if err != nil {
		return false, err
	}
	if err := d.strike(m.pids); err != nil {
		return false, err
	}
	if err := t.kill(); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			err = d.killHeld(nil) // nothing hits all at once: these first
		}
		return false, err
	}
	d.used(CgroupKill)
	d.debug("killed", "cgroup", t.Path, "mechanism", CgroupKill)
	return true, nil
}

// heeds tells whether a v2 tree that was killed by cgroup.kill is getting
// emptier. A process of which the first thread has ended before the others
// gets nothing by that: the signal is the dead thread's (6.18). As few as are
// held get it by pidfd from the next look; of more, this takes notice when the
// tree has kept its size over two waits that ended without news.
func (d *drainer) heeds(t *Tree) (bool, error) {
	if d.quiet < 2 {
		return true, nil
	}
	m, err := d.list(t)
	if err != nil {
		return false, err
	}
	before, known := d.sizes[t]
	d.sizes[t] = len(m.pids)
	return !known || len(m.pids) < before || len(m.pids) <= d.watch.budget.watch, nil
}

// hold watches the processes of l if they are few. It returns how many there
// are and who was listed, both not beyond what can be watched.
func (d *drainer) hold(l lister) (n int, m members, err error) {
	m, err = l.list(d.watch.budget.watch + 1)
	if err != nil {
		return 0, m, &UnverifiableError{What: l.name(), Err: err}
	}
	if d.killing {
		d.many = d.many || m.more && !d.counted
		for _, pid := range m.pids {
			d.hit[pid] = 0
		}
	}
	if t, ok := l.(*Tree); ok && t.Version == V2 && len(m.pids) > d.watch.budget.watch {
		if d.ending == 0 {
			d.ending, d.counting = math.MaxInt, time.Now() // not counted yet
		}
		return len(m.pids), m, nil // cgroup.events alone serves
	}
	seen := m.pids[:min(len(m.pids), d.watch.budget.watch)]
	n, err = d.confirmed(l, seen, d.watch.holds, func(h handle) error {
		d.watch.add(h)
		return errKeep
	})
	return n, m, err
}

// killEach sends SIGKILL to the processes of l one by one. It returns how many
// there were and who was listed.
func (d *drainer) killEach(l lister) (n int, m members, err error) {
	m, err = d.list(l)
	if err != nil || m.empty() {
		return 0, m, err
	}
	d.stopForks()
	if len(d.hit) == 0 {
		d.hit = make(map[int]uint64, len(m.pids))
	}
	// Of many the last ones are watched: they got the signal last, so that by
	// their end most of the others have ended as well. Those that have not, the
	// next look finds.
	first := 0
	if room := d.watch.budget.watch - len(d.watch.held); len(m.pids) > room {
		first = m.pids[len(m.pids)-max(room, 1)]
	}
	n, err = d.confirmed(l, m.pids, none, func(h handle) error {
		if err := d.send(h, unix.SIGKILL); err != nil {
			return err
		}
		d.hit[h.pid] = 0
		if h.pid < first {
			return nil
		}
		d.watch.add(h)
		return errKeep
	})
	d.debug("killed", "group", l.name(), "mechanism", "one by one", "processes", n)
	return n, m, err
}

// errKeep is returned by the callback of confirmed that took the handle
// over, errKnown by one that had nothing to do.
var (
	errKeep  = errors.New("handle kept")
	errKnown = errors.New("has had its signal")
)

// none is for confirmed: no process is passed over.
func none(int) bool { return false }

// list lists all of l.
func (d *drainer) list(l lister) (members, error) {
	m, err := l.list(0)
	if err != nil {
		err = &UnverifiableError{What: l.name(), Err: err}
	}
	return m, err
}

// confirmed pins the processes that have the given IDs, a batch at a time,
// asks l once more and calls use with those that are still in it. A process
// that is pinned keeps its ID, so the second listing speaks of the one that is
// pinned; one that got the ID of a member which ended in between is not in it.
// It returns how many there were, those passed over by skip included and those
// for which use said errKnown not.
func (d *drainer) confirmed(l lister, pids []int, skip func(pid int) bool, use func(handle) error) (total int, err error) {
	for batch := range slices.Chunk(pids, d.watch.batchFor(len(pids))) {
		n, err := d.confirm(l, batch, skip, use)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (d *drainer) confirm(l lister, pids []int, skip func(pid int) bool, use func(handle) error) (n int, err error) {
	handles := make([]handle, 0, len(pids))
	defer func() {
		for _, h := range handles {
			h.close()
		}
	}()
	for _, pid := range pids {
		if skip(pid) {
			n++
			continue
		}
		h, err := d.open(pid)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return n, err
		}
		handles = append(handles, h)
	}
	if len(handles) == 0 {
		return n, nil
	}
	pinned := make([]int, len(handles))
	for i, h := range handles {
		pinned[i] = h.pid
	}
	in, err := l.among(pinned)
	if err != nil {
		return n, &UnverifiableError{What: l.name(), Err: err}
	}
	for len(handles) > 0 {
		h := handles[0]
		if in(h.pid) {
			err := use(h)
			if errors.Is(err, errKeep) {
				handles = handles[1:]
				n++
				continue
			}
			if err != nil && !errors.Is(err, errKnown) {
				return n, err
			}
			if err == nil {
				n++
			}
		}
		h.close()
		handles = handles[1:]
	}
	return n, nil
}

// open takes hold of a process. When descriptors run out those that are merely
// watched make room.
func (d *drainer) open(pid int) (handle, error) {
	h, err := open(pid)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		d.watch.release(min(len(d.watch.held), len(d.group.Processes)))
		h, err = open(pid)
	}
	return h, err
}

// thaw thaws the group once SIGKILL has been sent: v1's at once, since the
// signal acts only then; v2's when nobody is left whom that would let run.
func (d *drainer) thaw(left bool) error {
	for _, t := range d.group.Trees {
		if t.Version == V2 && left {
			continue
		}
		thawed, err := t.thaw()
		if err != nil && t.Version == V2 {
			// Nobody is left whom this could keep.
			d.debug("not thawed", "cgroup", t.Path, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		if thawed {
			d.debug("thawed", "cgroup", t.Path)
		}
	}
	return nil
}

// stopForks keeps the group from forking while it is killed one by one. It
// does what it can: without a pids controller the rounds go on until they have
// caught up.
func (d *drainer) stopForks() {
	if d.limited {
		return
	}
	d.limited = true
	for _, t := range d.group.Trees {
		if restore, err := t.stopForks(); err == nil {
			d.limits = append(d.limits, restore)
			d.debug("stopped forks", "cgroup", t.Path)
		}
	}
}

func (d *drainer) restoreLimits() error {
	var failed error
	for _, restore := range d.limits {
		failed = errors.Join(failed, restore())
	}
	if len(d.limits) > 0 {
		d.debug("limits put back", "cgroups", len(d.limits))
	}
	return failed
}

// ticks are the pauses after which the group is looked at although nothing was
// heard of it; the last one repeats. They serve what has no notification: a
// process that enters a v1 cgroup, a cgroup.events whose last notification was
// lost because the cgroup was removed within the 10 ms in which the kernel
// holds notifications back.
var ticks = [...]time.Duration{25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second}

// wait waits until the group should be looked at again.
func (d *drainer) wait(ctx context.Context) error {
	until := time.Now().Add(ticks[min(d.quiet, len(ticks)-1)])
	if d.req.Progress != nil {
		until = earlier(until, time.Now().Add(500*time.Millisecond))
	}
	if !d.killing && d.req.KillAfter > 0 {
		until = earlier(until, d.began.Add(d.req.KillAfter))
	}
	err := d.watch.wait(until)
	now := time.Now()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		if left, err := d.look(true); err != nil || !left {
			return cmp.Or(err, errDrained)
		}
		return d.timeout()
	case err != nil && ctx.Err() != nil:
		d.report.Survivors, _ = d.survivors()
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	if now.Before(until) {
		d.quiet = -1 // there was news
	}
	if !d.killing && d.req.KillAfter > 0 && now.Sub(d.began) >= d.req.KillAfter {
		d.debug("kill after", "elapsed", now.Sub(d.began).Seconds())
		d.killing = true
		d.watch.news = now
	}
	if d.req.Progress != nil && now.Sub(d.began) >= 500*time.Millisecond {
		if pids, err := d.alive(); err == nil {
			d.req.Progress(len(pids), now.Sub(d.began))
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// alive lists all that is left, ascending.
func (d *drainer) alive() ([]int, error) {
	var pids []int
	for _, l := range d.group.listers() {
		m, err := d.list(l)
		if err != nil {
			return nil, err
		}
		pids = append(pids, m.pids...)
	}
	for _, h := range d.watch.held {
		if gone, err := h.terminated(); err == nil && !gone {
			pids = append(pids, h.pid)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// survivors describes the first of what is left and counts all.
func (d *drainer) survivors() ([]Survivor, int) {
	pids, err := d.alive()
	if err != nil {
		return nil, 0
	}
	var named []Survivor
	for _, pid := range pids[:min(len(pids), SurvivorLimit)] {
		named = append(named, survivor(pid))
	}
	return named, len(pids)
}

// timeout makes the error of an expired deadline.
func (d *drainer) timeout() error {
	e := &TimeoutError{After: time.Since(d.began)}
	e.Survivors, e.Total = d.survivors()
	d.report.Survivors = e.Survivors
	for _, t := range d.group.Trees {
		if t.frozenAbove() {
			e.Notes = append(e.Notes, "a freezer cgroup above "+t.Path+" is frozen and holds SIGKILL back")
		}
		if e.Total == 0 && t.Version == V2 && t.Exists() {
			if populated, err := t.populated(); err == nil && populated {
				e.Notes = append(e.Notes, t.Path+" is populated by processes that have no ID in this PID namespace")
			}
		}
	}
	return e
}

func (d *drainer) used(mechanism string) { d.report.Use(mechanism) }

// Use notes that a mechanism was used.
func (r *Report) Use(mechanism string) {
	if !slices.Contains(r.Mechanism, mechanism) {
		r.Mechanism = append(r.Mechanism, mechanism)
	}
}

// String names the report's mechanisms; "none" if nothing was sent.
func (r Report) String() string {
	if len(r.Mechanism) == 0 {
		return "none"
	}
	return strings.Join(r.Mechanism, "+")
}
