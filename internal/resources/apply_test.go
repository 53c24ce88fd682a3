package resources

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/configs"
)

// before is a configuration in which everything is limited.
func before() configs.Config {
	return configs.Config{Cgroups: &cgroups.Cgroup{Path: "/demo", Resources: &cgroups.Resources{
		CpuQuota: 10, CpuPeriod: 20, CpuBurst: new(uint64(5)), CpuShares: 30, CPUIdle: new(int64(1)), CpusetCpus: "0", CpusetMems: "0",
		Memory: 40, MemorySwap: 50, MemoryReservation: 60, PidsLimit: new(int64(70)), BlkioWeight: 80,
		BlkioWeightDevice:          []*cgroups.WeightDevice{cgroups.NewWeightDevice(8, 0, 90, 91)},
		BlkioThrottleReadBpsDevice: []*cgroups.ThrottleDevice{cgroups.NewThrottleDevice(8, 0, 100), cgroups.NewThrottleDevice(8, 0, 101)},
		Unified:                    map[string]string{"a": "b"},
	}}}
}

func TestMerge(t *testing.T) {
	const (
		mem   = `"memory":40,"memory_reservation":60,"memory_swap":50,`
		blkio = `"blkio_weight":80,"blkio_weight_device":[{"major":8,"minor":0,"weight":90,"leafWeight":91}],"blkio_throttle_read_bps_device":[{"major":8,"minor":0,"rate":100},{"major":8,"minor":0,"rate":101}]`
	)
	tests := map[string]struct{ request, want string }{
		"nothing":        {`{}`, mem + `"cpu_shares":30,` + blkio},
		"quota alone":    {`{"cpu":{"quota":7}}`, mem + `"cpu_shares":30,"cpu_quota":7,"cpu_period":20,` + blkio},
		"no quota":       {`{"cpu":{"quota":-1}}`, mem + `"cpu_shares":30,"cpu_quota":-1,"cpu_period":20,` + blkio},
		"period alone":   {`{"cpu":{"period":8}}`, mem + `"cpu_shares":30,"cpu_quota":10,"cpu_period":8,` + blkio},
		"both":           {`{"cpu":{"quota":7,"period":8}}`, mem + `"cpu_shares":30,"cpu_quota":7,"cpu_period":8,` + blkio},
		"quota 0":        {`{"cpu":{"quota":0,"period":8}}`, mem + `"cpu_shares":30,"cpu_quota":10,"cpu_period":8,` + blkio},
		"rest of cpu":    {`{"cpu":{"burst":1,"realtimeRuntime":2,"realtimePeriod":3,"cpus":"1","mems":"2"}}`, mem + `"cpu_shares":30,"cpu_burst":1,"cpu_rt_quota":2,"cpu_rt_period":3,"cpuset_cpus":"1","cpuset_mems":"2",` + blkio},
		"shares":         {`{"cpu":{"shares":1024}}`, mem + `"cpu_shares":1024,` + blkio + `,"cpu_weight":100`},
		"idle":           {`{"cpu":{"idle":1}}`, mem + `"cpu_idle":1,` + blkio},
		"memory":         {`{"memory":{"limit":1,"swap":2,"reservation":3,"checkBeforeUpdate":true}}`, `"memory":1,"memory_reservation":3,"memory_swap":2,"cpu_shares":30,` + blkio + `,"memory_check_before_update":true`},
		"memory lifted":  {`{"memory":{"limit":-1}}`, `"memory":-1,"memory_reservation":60,"cpu_shares":30,` + blkio},
		"pids":           {`{"pids":{"limit":0}}`, mem + `"cpu_shares":30,"pids_limit":0,` + blkio},
		"unified":        {`{"unified":{"c":"d"}}`, mem + `"cpu_shares":30,` + blkio + `,"unified":{"c":"d"}`},
		"block I/O":      {`{"blockIO":{"weight":1,"leafWeight":2}}`, mem + `"cpu_shares":30,` + strings.Replace(blkio, `"blkio_weight":80`, `"blkio_weight":1,"blkio_leaf_weight":2`, 1)},
		"known device":   {`{"blockIO":{"weightDevice":[{"major":8,"minor":0,"leafWeight":9}]}}`, mem + `"cpu_shares":30,` + strings.Replace(blkio, `91`, `9`, 1)},
		"new device":     {`{"blockIO":{"weightDevice":[{"major":8,"minor":1,"weight":9}]}}`, mem + `"cpu_shares":30,` + strings.Replace(blkio, `91}`, `91},{"major":8,"minor":1,"weight":9,"leafWeight":0}`, 1)},
		"throttled more": {`{"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":9}]}}`, mem + `"cpu_shares":30,` + strings.Replace(blkio, `101`, `9`, 1)},
		"throttled new": {
			`{"blockIO":{"throttleReadIOPSDevice":[{"major":7,"minor":0,"rate":9}],"throttleWriteBpsDevice":[{"major":7,"minor":1,"rate":8}],"throttleWriteIOPSDevice":[{"major":7,"minor":2,"rate":1},{"major":7,"minor":2,"rate":2}]}}`,
			mem + `"cpu_shares":30,` + blkio + `,"blkio_throttle_write_bps_device":[{"major":7,"minor":1,"rate":8}],"blkio_throttle_read_iops_device":[{"major":7,"minor":0,"rate":9}],"blkio_throttle_write_iops_device":[{"major":7,"minor":2,"rate":2}]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := FromFlags(given{"resources": "-"}, strings.NewReader(test.request))
			if err != nil {
				t.Fatal(err)
			}
			old := before()
			merged, err := r.merge(old)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "merged", merged.Cgroups, `{"path":"/demo",`+test.want+`}`)
			was, err := json.Marshal(before().Cgroups)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "the old configuration", old.Cgroups, string(was))
		})
	}
}

// sameJSON compares v with the JSON want, whatever the order of the fields.
func sameJSON(t *testing.T, what string, v any, want string) {
	t.Helper()
	canonical := func(data []byte) string {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if canonical(got) != canonical([]byte(want)) {
		t.Errorf("%s is\n%s\nwant\n%s", what, canonical(got), canonical([]byte(want)))
	}
}
