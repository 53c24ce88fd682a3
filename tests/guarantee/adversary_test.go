package guarantee

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// adversaryVar tells the test that it runs in a PID namespace of its own already.
const adversaryVar = "GUARANTEE_ADVERSARY"

// fewIDs is a shell script that runs its arguments where process IDs go round
// every few seconds, and reaps what is orphaned.
const fewIDs = `
if [ "$FEW_IDS" ]; then echo 3000 >/proc/sys/kernel/pid_max || exit 1; fi
"$@"
exit $?`

// TestAdversary has testdata/adversary.c do in a random order what a privileged
// container can do against its own end, beside random commands, on the same
// container, some of which are killed half way. A --wait that exits 0 while
// nothing is being created has to leave nothing alive, at any moment of it; so
// has the delete at the end; nobody else may be signalled.
//
// A round is made from its seed alone; SEED=n ROUNDS=1 VIEWS=v has one again, up
// to timing. CREATE=0 leaves create and run out of the random commands. All is in
// a PID namespace, with which everything ends.
func TestAdversary(t *testing.T) {
	t.Parallel()
	if rig.Open(t).Driver == rig.Systemd {
		t.Skip("systemd, as PID 1, can't be asked from within another PID namespace")
	}
	if os.Getenv(adversaryVar) != "" {
		adversary(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends
	defer runtime.UnlockOSThread()
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", fewIDs, "sh",
		self, "-test.run=^TestAdversary$", "-test.v", "-test.timeout=11h", "-test.parallel=3")
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	cmd.Env = append(os.Environ(), adversaryVar+"=1")
	if ownMaxPid() {
		cmd.Env = append(cmd.Env, "FEW_IDS=1")
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if soaking() { // who waits for hours wants to see
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	}
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
		return
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "births") || strings.Contains(line, "rounds from seed") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// ownMaxPid tells whether kernel.pid_max is each PID namespace's own: since Linux
// 6.14.
func ownMaxPid() bool {
	var u unix.Utsname
	var major, minor int
	if unix.Uname(&u) != nil {
		return false
	}
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return err == nil && (major > 6 || major == 6 && minor >= 14)
}

// batch is how many rounds have the same bystanders.
const batch = 50

func adversary(t *testing.T) {
	first, n := seedOf(t), rounds(20, 10_000)
	sum := &score{}
	for from := 0; from < n && !t.Failed(); from += batch {
		t.Run(fmt.Sprintf("from=%d", first+uint64(from)), func(t *testing.T) {
			r := rig.Open(t)
			by := newNursery(t, r, 4)
			for _, dir := range r.Scratch("bystanders") {
				r.Put(by.cmd.Process.Pid, dir)
			}
			t.Run("rounds", func(t *testing.T) {
				for i := range min(batch, n-from) {
					seed := first + uint64(from+i)
					t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
						t.Parallel()
						newSiege(t, seed, by.dir, sum).run()
						if t.Failed() {
							t.Logf("again: SEED=%d ROUNDS=1 VIEWS=%s go test -run TestAdversary", seed, r.View)
						}
					})
				}
			})
			births, reuses, _, signalled := by.end()
			t.Logf("view %s: bystanders: births %d, in a process ID that was a member's %d, signalled %d", r.View, births, reuses, signalled)
			if signalled > 0 {
				t.Errorf("%d bystanders were signalled: %s", signalled, by.stderr.String())
			}
		})
	}
	t.Logf("%d rounds from seed %d: %s", n, first, sum)
}

// score counts over all rounds what became of the commands.
type score struct {
	mu                   sync.Mutex
	commands, cut        int
	runs, execs          int // that succeeded
	claims, judged, left int // --wait with exit 0; of these looked after; processes that had left
	timeouts             int
	slowest              time.Duration // of the deletes at the end
}

func (s *score) String() string {
	return fmt.Sprintf("%d commands, %d of them killed half way; %d containers, %d execs; %d claims of a --wait, %d could be judged and held; %d processes had left their cgroups and stayed unharmed; %d final deletes timed out, the slowest took %s",
		s.commands, s.cut, s.runs, s.execs, s.claims, s.judged, s.left, s.timeouts, s.slowest.Round(time.Millisecond))
}

func (s *score) add(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// siege is one round.
type siege struct {
	*rig.Rig
	rnd  *rand.Rand
	c    *rig.Container
	pids string
	// scratch are cgroups outside of the container, for those who leave it.
	scratch []string
	sum     *score
	usual   time.Duration // of the first run

	mu       sync.Mutex
	inits    map[string]bool // by rig.Process.Key
	creating int             // creates that run
	created  int             // creates that have begun
	story    []string
	began    time.Time
}

func newSiege(t *testing.T, seed uint64, log string, sum *score) *siege {
	s := &siege{Rig: rig.Open(t), rnd: rand.New(rand.NewPCG(seed, 4)), sum: sum, inits: map[string]bool{}, began: time.Now()}
	s.pids = []string{rig.HostPIDs, rig.PrivatePIDs}[s.rnd.IntN(2)]
	s.scratch = s.Scratch("left")
	spec := rig.Spec{
		Args: []string{"adversary", "init", fmt.Sprint(s.rnd.Uint64()), "36"}, PIDs: s.pids, Limit: 100, Nested: s.rnd.IntN(4) == 0,
	}
	hook := s.rnd.IntN(3) == 0
	spec.Edit = func(conf *specs.Spec) {
		cgroups := specs.Mount{Destination: "/sys", Type: "bind", Source: "/sys/fs/cgroup", Options: []string{"rbind", "rw"}}
		conf.Mounts = append(conf.Mounts, cgroups)
		if s.pids == rig.HostPIDs {
			conf.Mounts = append(conf.Mounts, specs.Mount{Destination: "/mnt", Type: "bind", Source: log, Options: []string{"bind", "rw"}})
			conf.Process.Env = append(conf.Process.Env, "ADVERSARY_LOG=/mnt/log")
		}
		var own []string
		for _, h := range s.Hierarchies() {
			own = append(own, h.Mount+conf.Linux.CgroupsPath)
		}
		conf.Process.Env = append(conf.Process.Env, "ADVERSARY_CGROUPS="+inContainer(own), "ADVERSARY_SCRATCH="+inContainer(s.scratch))
		if hook { // the window in which there is no state file gets longer
			conf.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: s.Program("busybox"), Args: []string{"sleep", "0.05"}}}}
		}
	}
	s.c = s.New(spec)
	s.tell("%s pids, nested %t, hook %t", s.pids, spec.Nested, hook)
	return s
}

// inContainer is how the adversary calls cgroups.
func inContainer(dirs []string) string {
	var at []string
	for _, d := range dirs {
		at = append(at, "/sys"+strings.TrimPrefix(d, "/sys/fs/cgroup"))
	}
	return strings.Join(at, ":")
}

func (s *siege) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.story = append(s.story, fmt.Sprintf("%4d ms ", time.Since(s.began).Milliseconds())+fmt.Sprintf(format, args...))
}

// order is one command of a round, drawn beforehand.
type order struct {
	pause time.Duration // before it
	args  []string
	then  []string // run after it has succeeded
	cut   float64  // SIGKILL for runc after this part of its usual time; 0: none
}

func (s *siege) run() {
	defer func() {
		if s.Failed() || os.Getenv("STORY") != "" {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.Logf("what was done:\n%s", strings.Join(s.story, "\n"))
		}
	}()
	s.obey(order{args: []string{"run", "-d", "-b", s.c.Bundle, s.c.ID}})
	time.Sleep(time.Duration(s.rnd.IntN(120)) * time.Millisecond) // for it to grow
	var all [3][]order
	for i := range all {
		for n := range 3 + s.rnd.IntN(4) {
			all[i] = append(all[i], s.draw(i == 0, n == 0))
		}
	}
	var wg sync.WaitGroup
	for _, orders := range all {
		wg.Go(func() {
			for _, o := range orders {
				s.obey(o)
			}
		})
	}
	wg.Wait()
	s.finish()
}

// draw draws a command: one that makes or ends the container, if it is to matter,
// else as often as not an exec, while there is something to exec in.
func (s *siege) draw(matters, first bool) order {
	id := s.c.ID
	o := order{pause: time.Duration(s.rnd.IntN(60)) * time.Millisecond}
	if matters {
		o.pause *= 2
	}
	if s.rnd.IntN(6) == 0 {
		o.cut = 0.02 + s.rnd.Float64()
	}
	timeout := fmt.Sprintf("--timeout=%dms", []int{1, 50, 500, 3000, 9000}[s.rnd.IntN(5)])
	seed, exec := fmt.Sprint(s.rnd.Uint64()), []string{"exec", "-d", id, "adversary", "exec"}
	bundle := []string{"-b", s.c.Bundle, id}
	choices := [][]string{
		append([]string{"create"}, bundle...),
		append([]string{"run", "-d"}, bundle...),
		{"kill", "--wait", timeout, id, "KILL"},
		{"kill", "--wait", "--timeout=900ms", "--kill-after=20ms", id, "TERM"},
		{"delete", "--force", "--wait", timeout, id},
		{"delete", "--force", "--wait", "--timeout=9s", id},
		{"delete", "--force", id},
	}
	if !matters {
		choices = append(choices[1:], [][]string{
			{"kill", "--wait", "--timeout=300ms", id, "0"},
			{"kill", id, "KILL"},
			{"kill", "--all", id, []string{"TERM", "KILL", "STOP", "USR1"}[s.rnd.IntN(4)]},
			{"delete", id},
			{"delete", "--wait", timeout, id},
			append(slices.Clone(exec), seed, "8"),
			append(slices.Clone(exec), seed, "8"),
			append(slices.Clone(exec), seed, "4"),
			append(slices.Clone(exec), seed, "4"),
			{"pause", id},
			{"resume", id},
			{"update", "--pids-limit", "90", id},
			{"list"},
			{"state", id},
		}...)
	}
	if first && !matters && s.rnd.IntN(2) == 0 {
		choices = [][]string{append(slices.Clone(exec), seed, "8")}
	}
	if os.Getenv("CREATE") == "0" {
		choices = slices.DeleteFunc(choices, creates)
	}
	o.args = choices[s.rnd.IntN(len(choices))]
	if o.args[0] == "create" && s.rnd.IntN(4) > 0 {
		o.then = []string{"start", id}
	}
	return o
}

func creates(args []string) bool { return args[0] == "create" || args[0] == "run" }

// obey runs a command, and judges what it claims.
func (s *siege) obey(o order) {
	time.Sleep(o.pause)
	quiet, before := s.begin(o.args)
	args := o.args
	p := s.Start(args...)
	cut, patience := false, rig.Bound
	if o.cut > 0 {
		patience = time.Duration(o.cut * float64(s.usual))
		if !creates(args) {
			patience /= 4
		}
	} else if !slices.Contains(args, "--wait") {
		patience = 10 * time.Second // on cgroup v1 the kernel may keep a freezer from settling
	}
	select {
	case <-p.Done():
	case <-time.After(patience):
		cut = p.Process.Kill() == nil
	}
	res := p.Wait()
	if s.usual == 0 {
		s.usual = res.Took
	}
	claim := slices.Contains(args, "--wait") && res.Status == 0
	var left []string
	if claim {
		left = s.remains()
	}
	judged := s.end(args, before) && quiet && claim
	s.tell("%v: %d after %s, killed %t, judged %t: %s", args, res.Status, res.Took.Round(time.Millisecond), cut, judged, res.Stderr)
	if judged && len(left) > 0 {
		s.Errorf("alive after exit 0 of %s\n%s", res, strings.Join(left, "\n"))
	}
	if strings.Contains(res.Stderr, "panic:") || strings.Contains(res.Stderr, "goroutine ") {
		s.Errorf("it panicked: %s", res)
	}
	s.sum.add(func() {
		s.sum.commands++
		count(&s.sum.cut, cut)
		count(&s.sum.runs, creates(args) && res.Status == 0)
		count(&s.sum.execs, args[0] == "exec" && res.Status == 0)
		count(&s.sum.claims, claim)
		count(&s.sum.judged, judged)
	})
	if o.then != nil && res.Status == 0 {
		s.obey(order{args: o.then})
	}
}

func count(n *int, is bool) {
	if is {
		*n++
	}
}

// begin notes that a command begins: whether nothing is being created, and how
// many creates there have been.
func (s *siege) begin(args []string) (quiet bool, created int) {
	init := s.c.InitKey()
	s.mu.Lock()
	defer s.mu.Unlock()
	if creates(args) {
		s.creating++
		s.created++
	}
	if init != "" {
		s.inits[init] = true
	}
	return s.creating == 0, s.created
}

// end tells whether no create has begun since begin.
func (s *siege) end(args []string, created int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if creates(args) {
		s.creating--
	}
	return s.created == created
}

// remains is what is left of the container: not those who left its cgroups, unless
// they end with its PID namespace, or are init. Nor is one that was born while
// the last was killed and is past its return to user space; where it still is in a
// cgroup that says so.
func (s *siege) remains() []string {
	var left []string
	for _, p := range s.c.Alive() {
		if !s.hasLeft(p) && (s.isInit(p) || !rig.Exiting(p.Pid)) {
			left = append(left, "process "+p.String()+" "+where(p.Pid))
		}
	}
	for _, p := range s.c.Starting() {
		left = append(left, "on its way: "+p.String())
	}
	return append(left, s.c.Populated()...)
}

func (s *siege) hasLeft(p rig.Process) bool {
	return s.pids == rig.HostPIDs && !s.isInit(p) && !s.c.Inside(p.Pid)
}

func (s *siege) isInit(p rig.Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inits[p.Key()]
}

func where(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Join(strings.Fields(string(text)), " ") + " " + strconv.Quote(string(cmdline))
}

// finish deletes what there is and looks for itself.
func (s *siege) finish() {
	args := []string{"delete", "--force", "--wait", "--timeout=15s", s.c.ID}
	quiet, before := s.begin(args)
	away := s.away()
	res := s.Run(args...)
	left := s.remains()
	s.end(args, before)
	s.tell("%v: %d after %s: %s", args, res.Status, res.Took.Round(time.Millisecond), res.Stderr)
	s.sum.add(func() {
		s.sum.commands, s.sum.left = s.sum.commands+1, s.sum.left+len(away)
		s.sum.slowest = max(s.sum.slowest, res.Took)
	})
	switch {
	case !quiet:
		s.Errorf("the test's own creates have not ended")
	case res.Status == 124:
		s.sum.add(func() { s.sum.timeouts++ })
		s.truthful(res, left)
		return
	case res.Status != 0:
		s.Errorf("the delete at the end: %s", res)
	}
	left = append(left, s.c.Dirs()...)
	if _, err := os.Lstat(s.c.StateDir()); err == nil {
		left = append(left, s.c.StateDir())
	}
	if len(left) > 0 {
		s.Errorf("still there after %s\n%s", res, strings.Join(left, "\n"))
	}
	now := s.away()
	for _, p := range away {
		if !slices.ContainsFunc(now, func(q rig.Process) bool { return p.Key() == q.Key() }) && time.Since(s.began) < 15*time.Second {
			s.Errorf("process %s had left the container before the delete began, and was ended by it", p)
		}
	}
}

// away lists those who have left for good: they idle in the cgroups outside, and
// in the PID namespace of the test, so that nobody's end is theirs.
func (s *siege) away() []rig.Process {
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		s.Fatal(err)
	}
	var there []string // in each hierarchy
	for i, dir := range s.scratch {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			s.Fatal(err)
		}
		ids := strings.Fields(string(text))
		if there = slices.DeleteFunc(there, func(id string) bool { return !slices.Contains(ids, id) }); i == 0 {
			there = ids
		}
	}
	return slices.DeleteFunc(s.c.Alive(), func(p rig.Process) bool {
		ns, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(p.Pid), "ns/pid"))
		return err != nil || ns != own || !slices.Contains(there, strconv.Itoa(p.Pid)) || !s.hasLeft(p)
	})
}

// truthful is for a delete that timed out: it names somebody who lives, and the
// next one gets done once the adversary has ended.
func (s *siege) truthful(res rig.Result, left []string) {
	if len(left) == 0 || !strings.Contains(res.Stderr, "still alive") {
		s.Errorf("it timed out, and what is left is %q: %s", left, res)
	}
	again := s.Run("delete", "--force", "--wait", "--timeout=20s", s.c.ID)
	if again.Status != 0 {
		s.Errorf("the delete after a time-out (%s): %s", res, again)
	}
	if left := s.remains(); len(left) > 0 {
		s.Errorf("alive after %s\n%s", again, strings.Join(left, "\n"))
	}
}
