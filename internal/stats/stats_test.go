package stats

import (
	"encoding/json"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/types"
)

// Every number is another one, so that no two can be mixed up.
func TestOf(t *testing.T) {
	entry := func(v uint64) []cgroups.BlkioStatEntry {
		return []cgroups.BlkioStatEntry{{Major: 8, Minor: 1, Op: "Read", Value: v}}
	}
	psi := func(v uint64) *cgroups.PSIStats { return &cgroups.PSIStats{Some: cgroups.PSIData{Total: v}} }
	data := func(v uint64) cgroups.MemoryData {
		return cgroups.MemoryData{Usage: v, MaxUsage: v + 1, Failcnt: v + 2, Limit: v + 3}
	}
	s := &libcontainer.Stats{
		CgroupStats: &cgroups.Stats{
			CpuStats: cgroups.CpuStats{
				CpuUsage: cgroups.CpuUsage{
					TotalUsage: 1, PercpuUsage: []uint64{2}, PercpuUsageInKernelmode: []uint64{3}, PercpuUsageInUsermode: []uint64{4},
					UsageInKernelmode: 5, UsageInUsermode: 6,
				},
				ThrottlingData: cgroups.ThrottlingData{Periods: 7, ThrottledPeriods: 8, ThrottledTime: 9},
				PSI:            psi(10),
			},
			CPUSetStats: cgroups.CPUSetStats{CPUs: []uint16{0, 3}, Mems: []uint16{1}, SchedRelaxDomainLevel: -1},
			MemoryStats: cgroups.MemoryStats{
				Cache: 11, Usage: data(20), SwapUsage: data(30), KernelUsage: data(40), KernelTCPUsage: data(50),
				Stats: map[string]uint64{"rss": 12}, PSI: psi(13),
			},
			PidsStats: cgroups.PidsStats{Current: 14, Limit: 15},
			BlkioStats: cgroups.BlkioStats{
				IoServiceBytesRecursive: entry(60), IoServicedRecursive: entry(61), IoQueuedRecursive: entry(62), IoServiceTimeRecursive: entry(63),
				IoWaitTimeRecursive: entry(64), IoMergedRecursive: entry(65), IoTimeRecursive: entry(66), SectorsRecursive: entry(67), PSI: psi(68),
			},
			HugetlbStats: map[string]cgroups.HugetlbStats{"2MB": {Usage: 70, MaxUsage: 71, Failcnt: 72}},
		},
		Interfaces: []*types.NetworkInterface{{Name: "eth0", RxBytes: 80, TxDropped: 81}},
	}
	blk := func(v string) string { return `[{"major":8,"minor":1,"op":"Read","value":` + v + `}]` }
	press := func(v string) string {
		return `{"some":{"avg10":0,"avg60":0,"avg300":0,"total":` + v + `}}`
	}
	want := `{"cpu":{"usage":{"total":1,"percpu":[2],"percpu_kernel":[3],"percpu_user":[4],"kernel":5,"user":6},` +
		`"throttling":{"periods":7,"throttledPeriods":8,"throttledTime":9},"psi":` + press("10") + `},` +
		`"cpuset":{"cpus":[0,3],"cpu_exclusive":0,"mems":[1],"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,` +
		`"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":-1},` +
		`"memory":{"cache":11,"usage":{"limit":23,"usage":20,"max":21,"failcnt":22},"swap":{"limit":33,"usage":30,"max":31,"failcnt":32},` +
		`"kernel":{"limit":43,"usage":40,"max":41,"failcnt":42},"kernelTCP":{"limit":53,"usage":50,"max":51,"failcnt":52},"raw":{"rss":12},"psi":` + press("13") + `},` +
		`"pids":{"current":14,"limit":15},` +
		`"blkio":{"ioServiceBytesRecursive":` + blk("60") + `,"ioServicedRecursive":` + blk("61") + `,"ioQueueRecursive":` + blk("62") +
		`,"ioServiceTimeRecursive":` + blk("63") + `,"ioWaitTimeRecursive":` + blk("64") + `,"ioMergedRecursive":` + blk("65") +
		`,"ioTimeRecursive":` + blk("66") + `,"sectorsRecursive":` + blk("67") + `,"psi":` + press("68") + `},` +
		`"hugetlb":{"2MB":{"usage":70,"max":71,"failcnt":72}},"intel_rdt":{},` +
		`"network_interfaces":[{"Name":"eth0","RxBytes":80,"RxPackets":0,"RxErrors":0,"RxDropped":0,"TxBytes":0,"TxPackets":0,"TxErrors":0,"TxDropped":81}]}`
	got, err := json.Marshal(Of(s))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("statistics\n%s\nwant\n%s", got, want)
	}
}

func TestOfNothing(t *testing.T) {
	if s := Of(&libcontainer.Stats{}); s != nil {
		t.Errorf("statistics of no cgroup: %+v", s)
	}
	s := Of(&libcontainer.Stats{CgroupStats: &cgroups.Stats{}})
	if s.Hugetlb == nil {
		t.Error("hugetlb is null, want an empty object")
	}
}
