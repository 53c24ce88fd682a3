package resources

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// given are flags by name, as on a command line.
type given map[string]string

func (g given) String(name string) string { return g[name] }

func (g given) Int(name string) int {
	n, err := strconv.Atoi(g[name])
	if err != nil {
		return 0
	}
	return n
}

func (g given) IsSet(name string) bool {
	_, ok := g[name]
	return ok
}

// text is what a request asks for, without the parts that are always there.
func text(t *testing.T, r Request) string {
	t.Helper()
	data, err := json.Marshal(r.LinuxResources)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`"checkBeforeUpdate":false`, ``, `,"checkBeforeUpdate":false`, ``).Replace(string(data))
}

func TestFromFlags(t *testing.T) {
	const nothing = `{"memory":{},"cpu":{},"pids":{},"blockIO":{}}`
	tests := map[string]struct {
		flags given
		want  string
	}{
		"none":                {given{}, nothing},
		"empty values":        {given{"memory": "", "cpu-quota": "", "cpuset-cpus": ""}, nothing},
		"bytes":               {given{"memory": "1000"}, `{"memory":{"limit":1000},"cpu":{},"pids":{},"blockIO":{}}`},
		"units":               {given{"memory": "64M", "memory-reservation": "32m", "memory-swap": "1GiB"}, `{"memory":{"limit":67108864,"reservation":33554432,"swap":1073741824},"cpu":{},"pids":{},"blockIO":{}}`},
		"no memory limit":     {given{"memory": "-1"}, `{"memory":{"limit":-1,"swap":0},"cpu":{},"pids":{},"blockIO":{}}`},
		"no limit, some swap": {given{"memory": "-1", "memory-swap": "-1"}, `{"memory":{"limit":-1,"swap":-1},"cpu":{},"pids":{},"blockIO":{}}`},
		"kernel memory":       {given{"kernel-memory": "1k", "kernel-memory-tcp": "2k"}, `{"memory":{"kernel":1024,"kernelTCP":2048},"cpu":{},"pids":{},"blockIO":{}}`},
		"cpu": {
			given{"cpu-period": "1", "cpu-quota": "-1", "cpu-burst": "2", "cpu-share": "3", "cpu-rt-period": "4", "cpu-rt-runtime": "5", "cpuset-cpus": "0-1", "cpuset-mems": "0"},
			`{"memory":{},"cpu":{"shares":3,"quota":-1,"burst":2,"period":1,"realtimeRuntime":5,"realtimePeriod":4,"cpus":"0-1","mems":"0"},"pids":{},"blockIO":{}}`,
		},
		"idle":            {given{"cpu-idle": "1"}, `{"memory":{},"cpu":{"shares":0,"idle":1},"pids":{},"blockIO":{}}`},
		"idle and shares": {given{"cpu-idle": "0", "cpu-share": "9"}, `{"memory":{},"cpu":{"shares":9,"idle":0},"pids":{},"blockIO":{}}`},
		"pids":            {given{"pids-limit": "10"}, `{"memory":{},"cpu":{},"pids":{"limit":10},"blockIO":{}}`},
		"no pids":         {given{"pids-limit": "0"}, `{"memory":{},"cpu":{},"pids":{"limit":0},"blockIO":{}}`},
		"any pids":        {given{"pids-limit": "-1"}, `{"memory":{},"cpu":{},"pids":{"limit":-1},"blockIO":{}}`},
		"weight":          {given{"blkio-weight": "100"}, `{"memory":{},"cpu":{},"pids":{},"blockIO":{"weight":100}}`},
		"weight 0":        {given{"blkio-weight": "0"}, nothing},
		"standard input":  {given{"resources": "-", "memory": "64M"}, `{"memory":{},"cpu":{"shares":7},"pids":{},"blockIO":{}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := FromFlags(test.flags, strings.NewReader(`{"cpu":{"shares":7},"pids":null,"unheardof":1}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, r); got != test.want {
				t.Errorf("request\n%s\nwant\n%s", got, test.want)
			}
			if r.Memory.CheckBeforeUpdate == nil {
				t.Error("checkBeforeUpdate is not settled")
			}
		})
	}
}

func TestFromFlagsRefusals(t *testing.T) {
	tests := map[string]given{
		"cpu-burst":          {"cpu-burst": "-1"},
		"cpu-idle":           {"cpu-idle": "yes"},
		"cpu-period":         {"cpu-period": "1.5"},
		"cpu-quota":          {"cpu-quota": "10ms"},
		"cpu-rt-period":      {"cpu-rt-period": "x"},
		"cpu-rt-runtime":     {"cpu-rt-runtime": "99999999999999999999"},
		"cpu-share":          {"cpu-share": "-5"},
		"memory":             {"memory": "-2"},
		"memory-reservation": {"memory-reservation": "q1"},
		"memory-swap":        {"memory-swap": "lots"},
		"kernel-memory":      {"kernel-memory": "x"},
		"kernel-memory-tcp":  {"kernel-memory-tcp": "x"},
		"blkio-weight":       {"blkio-weight": "65536"},
	}
	for name, flags := range tests {
		_, err := FromFlags(flags, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "invalid value for "+name+": ") || !strings.Contains(err.Error(), strings.TrimPrefix(flags[name], "-")) {
			t.Errorf("--%s %s: error %v, want one that names the flag and the value", name, flags[name], err)
		}
	}
	if _, err := FromFlags(given{"blkio-weight": "-1"}, nil); err == nil {
		t.Error("--blkio-weight -1 is accepted")
	}
}

func TestFromFile(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		data string
		want string // in the request, or in the error
		ok   bool
	}{
		"everything": {
			data: `{"memory":{"limit":-1,"checkBeforeUpdate":true},"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":5}]},"unified":{"memory.high":"max"}} trailing`,
			want: `{"memory":{"limit":-1,"swap":0,"checkBeforeUpdate":true},"cpu":{},"pids":{},"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":5}]},"unified":{"memory.high":"max"}}`,
			ok:   true,
		},
		"null":          {data: `null`, want: `{"memory":{},"cpu":{},"pids":{},"blockIO":{}}`, ok: true},
		"nulls":         {data: `{"memory":null,"cpu":null,"pids":null,"blockIO":null}`, want: `{"memory":{},"cpu":{},"pids":{},"blockIO":{}}`, ok: true},
		"empty":         {data: ``, want: "there is no JSON"},
		"cut off":       {data: `{"memory":`, want: "unexpected EOF"},
		"no JSON":       {data: `memory: 5`, want: "byte 1: "},
		"wrong type":    {data: `{"memory":{"limit":"64M"}}`, want: "memory.limit"},
		"out of range":  {data: `{"blockIO":{"weight":70000}}`, want: "blockIO.weight"},
		"negative":      {data: `{"cpu":{"shares":-1}}`, want: "cpu.shares"},
		"not an object": {data: `[]`, want: "cannot unmarshal array"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "r.json")
			if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := FromFlags(given{"resources": path, "l3-cache-schema": "L3:0=f"}, nil)
			if !test.ok {
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want the path and %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, r); got != test.want {
				t.Errorf("request\n%s\nwant\n%s", got, test.want)
			}
			if r.L3CacheSchema != "L3:0=f" {
				t.Errorf("schema %q, want that of the flag", r.L3CacheSchema)
			}
		})
	}
	if _, err := FromFlags(given{"resources": filepath.Join(dir, "none")}, nil); !os.IsNotExist(err) {
		t.Errorf("no such file: %v", err)
	}
}
