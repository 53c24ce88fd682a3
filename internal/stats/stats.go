// Package stats turns what a container uses into the events that "runc events"
// prints, in the form that readers of runc's events know.
package stats

import (
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/intelrdt"
	"github.com/opencontainers/runc/types"
)

// Of puts s into the form of an event's data; nil if there are no cgroup
// statistics.
func Of(s *libcontainer.Stats) *types.Stats {
	if s.CgroupStats == nil {
		return nil
	}
	return &types.Stats{
		Blkio:             blkio(s.CgroupStats.BlkioStats),
		CPU:               cpu(s.CgroupStats.CpuStats),
		CPUSet:            types.CPUSet(s.CgroupStats.CPUSetStats),
		Hugetlb:           hugetlb(s.CgroupStats.HugetlbStats),
		IntelRdt:          rdt(s.IntelRdtStats),
		Memory:            memory(s.CgroupStats.MemoryStats),
		NetworkInterfaces: s.Interfaces,
		Pids:              types.Pids{Current: s.CgroupStats.PidsStats.Current, Limit: s.CgroupStats.PidsStats.Limit},
	}
}

func cpu(s cgroups.CpuStats) types.Cpu {
	used := s.CpuUsage
	return types.Cpu{
		PSI:        s.PSI,
		Throttling: types.Throttling(s.ThrottlingData),
		Usage: types.CpuUsage{
			Kernel: used.UsageInKernelmode, PercpuKernel: used.PercpuUsageInKernelmode,
			User: used.UsageInUsermode, PercpuUser: used.PercpuUsageInUsermode,
			Total: used.TotalUsage, Percpu: used.PercpuUsage,
		},
	}
}

func memory(s cgroups.MemoryStats) types.Memory {
	entry := func(d cgroups.MemoryData) types.MemoryEntry {
		return types.MemoryEntry{Usage: d.Usage, Max: d.MaxUsage, Limit: d.Limit, Failcnt: d.Failcnt}
	}
	return types.Memory{
		Cache:     s.Cache,
		Kernel:    entry(s.KernelUsage),
		KernelTCP: entry(s.KernelTCPUsage),
		PSI:       s.PSI,
		Raw:       s.Stats,
		Swap:      entry(s.SwapUsage),
		Usage:     entry(s.Usage),
	}
}

func blkio(s cgroups.BlkioStats) types.Blkio {
	entries := func(in []cgroups.BlkioStatEntry) []types.BlkioEntry {
		out := make([]types.BlkioEntry, len(in))
		for i, e := range in {
			out[i] = types.BlkioEntry(e)
		}
		return out
	}
	return types.Blkio{
		IoMergedRecursive:       entries(s.IoMergedRecursive),
		IoQueuedRecursive:       entries(s.IoQueuedRecursive),
		IoServiceBytesRecursive: entries(s.IoServiceBytesRecursive),
		IoServiceTimeRecursive:  entries(s.IoServiceTimeRecursive),
		IoServicedRecursive:     entries(s.IoServicedRecursive),
		IoTimeRecursive:         entries(s.IoTimeRecursive),
		IoWaitTimeRecursive:     entries(s.IoWaitTimeRecursive),
		PSI:                     s.PSI,
		SectorsRecursive:        entries(s.SectorsRecursive),
	}
}

// hugetlb never returns nil: readers find an empty object rather than null.
func hugetlb(pages map[string]cgroups.HugetlbStats) map[string]types.Hugetlb {
	out := make(map[string]types.Hugetlb, len(pages))
	for size, s := range pages {
		out[size] = types.Hugetlb{Usage: s.Usage, Max: s.MaxUsage, Failcnt: s.Failcnt}
	}
	return out
}

// rdt gives each kind of statistics that this host's Intel RDT offers.
func rdt(s *intelrdt.Stats) (out types.IntelRdt) {
	if s == nil {
		return out
	}
	out.Schemata = s.Schemata
	if intelrdt.IsCATEnabled() {
		out.L3CacheSchema, out.L3CacheSchemaRoot = s.L3CacheSchema, s.L3CacheSchemaRoot
		if s.L3CacheInfo != nil {
			out.L3CacheInfo = new(types.L3CacheInfo(*s.L3CacheInfo))
		}
	}
	if intelrdt.IsMBAEnabled() {
		out.MemBwSchema, out.MemBwSchemaRoot = s.MemBwSchema, s.MemBwSchemaRoot
		if s.MemBwInfo != nil {
			out.MemBwInfo = new(types.MemBwInfo(*s.MemBwInfo))
		}
	}
	if intelrdt.IsCMTEnabled() {
		out.CMTStats = s.CMTStats
	}
	if intelrdt.IsMBMEnabled() {
		out.MBMStats = s.MBMStats
	}
	return out
}
