package synckill

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

func TestParseSignal(t *testing.T) {
	tests := []struct {
		text string
		want unix.Signal
		ok   bool
	}{
		{"KILL", unix.SIGKILL, true},
		{"SIGKILL", unix.SIGKILL, true},
		{"sigkill", unix.SIGKILL, true},
		{"Term", unix.SIGTERM, true},
		{"9", unix.SIGKILL, true},
		{"0", 0, true},
		{"64", 64, true},
		{"USR1", unix.SIGUSR1, true},
		{"65", 0, false},
		{"-1", 0, false},
		{"", 0, false},
		{"SIG", 0, false},
		{"SIGSIGKILL", 0, false},
		{"NOPE", 0, false},
		{"9 ", 0, false},
		{"ſigkill", 0, false},
		{"sıgkıll", 0, false},
		{"0x9", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseSignal(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %d, %v; want %d, ok %t", tt.text, int(got), err, int(tt.want), tt.ok)
		}
	}
}

// waits are what a wait may be said to last.
var waits = []struct {
	text string
	want time.Duration
	ok   bool
}{
	{"5s", 5 * time.Second, true},
	{"1m30s", 90 * time.Second, true},
	{"0", 0, true},
	{"0s", 0, true},
	{"-1s", 0, false},
	{"5", 0, false},
	{"", 0, false},
	{"soon", 0, false},
}

func TestParseWait(t *testing.T) {
	for _, tt := range waits {
		if got, err := ParseWait(tt.text); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %s, %v; want %s, ok %t", tt.text, got, err, tt.want, tt.ok)
		}
	}
}

func TestAnnotatedWait(t *testing.T) {
	with := func(labels ...string) *Container {
		return &Container{state: &libcontainer.State{BaseState: libcontainer.BaseState{Config: configs.Config{Labels: labels}}}}
	}
	for _, tt := range waits {
		if got, err := with("bundle=/b", WaitAnnotation+"="+tt.text).AnnotatedWait(time.Hour); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %s, %v; want %s, ok %t", tt.text, got, err, tt.want, tt.ok)
		}
	}
	if got, err := with("bundle=/b", "other=5s").AnnotatedWait(time.Hour); got != 0 || err != nil {
		t.Errorf("without: got %s, %v", got, err)
	}
	const year = "8760h"
	for _, tt := range []struct {
		text       string
		most, want time.Duration
		long       bool
	}{
		{"5s", 5 * time.Second, 5 * time.Second, false},
		{"5001ms", 5 * time.Second, 5 * time.Second, true},
		{year, MaxAnnotatedWait, MaxAnnotatedWait, true},
		{"5s", 0, 0, false},
		{"soon", 0, 0, false},
	} {
		got, err := with(WaitAnnotation + "=" + tt.text).AnnotatedWait(tt.most)
		if long, ok := asType[*LongWaitError](err); got != tt.want || ok != tt.long || ok && long.Most != tt.most {
			t.Errorf("%s, %s at most: got %s, %v; want %s, too long %t", tt.text, tt.most, got, err, tt.want, tt.long)
		}
	}
}

func TestBound(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: DefaultTimeout, time.Minute: time.Minute} {
		ctx, cancel := Request{Timeout: timeout}.bound(t.Context())
		defer cancel()
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > want || left < want-5*time.Second {
			t.Errorf("timeout %s: %s left", timeout, left)
		}
	}
}

func TestReportJSON(t *testing.T) {
	tests := []struct {
		rep  Report
		want string
	}{
		{
			Report{ID: "c", Signal: unix.SIGKILL, Report: drain.Report{Mechanism: []string{drain.CgroupKill}, Signalled: 6, Rounds: 2, Elapsed: 1500 * time.Millisecond, Drained: true}},
			`{"id":"c","signal":9,"mechanism":"cgroup.kill","signalled":6,"rounds":2,"elapsed":1.5,"drained":true,"survivors":[]}`,
		},
		{
			Report{ID: "c", Report: drain.Report{Survivors: []drain.Survivor{{Pid: 7, Comm: "a\"b", State: "D", Wchan: "w", Cgroup: "/c"}}}},
			`{"id":"c","signal":0,"mechanism":"none","signalled":0,"rounds":0,"elapsed":0,"drained":false,"survivors":[{"pid":7,"comm":"a\"b","state":"D","wchan":"w","cgroup":"/c"}]}`,
		},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.rep)
		if err != nil || string(got) != tt.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestReportAdd(t *testing.T) {
	first := drain.Report{Mechanism: []string{drain.CgroupKill}, Signalled: 3, Rounds: 2, Elapsed: time.Second, Drained: true}
	tests := []struct {
		name       string
		start      drain.Report
		next, want drain.Report
	}{
		{"to nothing", drain.Report{}, first, first},
		{
			"a round that found nobody", first,
			drain.Report{Rounds: 1, Drained: true, Idle: true},
			drain.Report{Mechanism: []string{drain.CgroupKill}, Signalled: 3, Rounds: 3, Elapsed: time.Second, Drained: true},
		},
		{
			"one that timed out by other means", first,
			drain.Report{Mechanism: []string{drain.PidfdKill, drain.CgroupKill}, Signalled: -1, Rounds: 1, Survivors: []drain.Survivor{{Pid: 7}}},
			drain.Report{Mechanism: []string{drain.CgroupKill, drain.PidfdKill}, Signalled: -1, Rounds: 3, Elapsed: time.Second, Survivors: []drain.Survivor{{Pid: 7}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Report{Report: tt.start}
			r.add(tt.next)
			if !reflect.DeepEqual(r.Report, tt.want) {
				t.Errorf("got  %#v\nwant %#v", r.Report, tt.want)
			}
		})
	}
}
