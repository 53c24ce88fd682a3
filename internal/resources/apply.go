package resources

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/intelrdt"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
)

// Apply gives c the limits of r and writes them to its state. If one of them is
// refused, those already set are set back.
func Apply(c *libcontainer.Container, r Request) error {
	old := c.Config()
	config, err := r.merge(old)
	if err != nil {
		return err
	}
	state, err := c.State()
	if err != nil {
		return err
	}
	if r.Memory.Kernel != nil || r.Memory.KernelTCP != nil { //nolint:staticcheck // deprecated, warned of
		logrus.Warn("kernel memory limits have no effect: kernels from 5.16 on have none")
	}
	// An update knows nothing of devices. Rules that others have added since
	// (for GPUs, say) must survive it, and the way back as well.
	old.Cgroups.SkipDevices = true
	config.Cgroups.SkipDevices = true

	former := remember(state.CgroupPaths, r.Unified)
	if err := c.Set(config); err != nil {
		if back := former.restore(); back != nil {
			return fmt.Errorf("%w; setting back what was changed: %w", err, back)
		}
		return err
	}
	return nil
}

// merge returns a copy of old with the limits of r. As ever, the fields for the
// cpuset, CPU burst and idleness, the pids limit and unified resources are
// forgotten where r has none; for the cgroup that means no change.
func (r Request) merge(old configs.Config) (configs.Config, error) {
	config := old
	cgroup, res := *old.Cgroups, *old.Cgroups.Resources
	config.Cgroups, cgroup.Resources = &cgroup, &res

	r.mergeCPU(&res)
	r.mergeMemory(&res)
	r.mergeBlockIO(&res)
	res.PidsLimit = r.Pids.Limit
	res.Unified = r.Unified
	return config, r.mergeRDT(&config)
}

func (r Request) mergeCPU(res *cgroups.Resources) {
	res.CpuBurst = r.CPU.Burst
	res.CPUIdle = r.CPU.Idle
	res.CpusetCpus = r.CPU.Cpus
	res.CpusetMems = r.CPU.Mems
	if r.CPU.Shares != nil {
		res.CpuShares = *r.CPU.Shares
		res.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(*r.CPU.Shares)
	}
	set(&res.CpuRtPeriod, r.CPU.RealtimePeriod)
	set(&res.CpuRtRuntime, r.CPU.RealtimeRuntime)

	// systemd and cgroup v2 take quota and period as a pair. With one of them
	// given the other keeps its old value; with none both are forgotten.
	var quota int64
	var period uint64
	set(&quota, r.CPU.Quota)
	set(&period, r.CPU.Period)
	if quota != 0 || period == 0 {
		res.CpuQuota = quota
	}
	if period != 0 || quota == 0 {
		res.CpuPeriod = period
	}
}

func (r Request) mergeMemory(res *cgroups.Resources) {
	set(&res.Memory, r.Memory.Limit)
	set(&res.MemorySwap, r.Memory.Swap)
	set(&res.MemoryReservation, r.Memory.Reservation)
	set(&res.MemoryCheckBeforeUpdate, r.Memory.CheckBeforeUpdate)
}

func (r Request) mergeBlockIO(res *cgroups.Resources) {
	set(&res.BlkioWeight, r.BlockIO.Weight)
	set(&res.BlkioLeafWeight, r.BlockIO.LeafWeight)
	res.BlkioWeightDevice = weights(res.BlkioWeightDevice, r.BlockIO.WeightDevice)
	res.BlkioThrottleReadBpsDevice = rates(res.BlkioThrottleReadBpsDevice, r.BlockIO.ThrottleReadBpsDevice)
	res.BlkioThrottleReadIOPSDevice = rates(res.BlkioThrottleReadIOPSDevice, r.BlockIO.ThrottleReadIOPSDevice)
	res.BlkioThrottleWriteBpsDevice = rates(res.BlkioThrottleWriteBpsDevice, r.BlockIO.ThrottleWriteBpsDevice)
	res.BlkioThrottleWriteIOPSDevice = rates(res.BlkioThrottleWriteIOPSDevice, r.BlockIO.ThrottleWriteIOPSDevice)
}

func (r Request) mergeRDT(config *configs.Config) error {
	switch {
	case r.L3CacheSchema == "" && r.MemBwSchema == "":
		return nil
	case r.L3CacheSchema != "" && !intelrdt.IsCATEnabled():
		return errors.New("Intel RDT/CAT: l3 cache schema is not enabled") //nolint:staticcheck // upstream's text
	case r.MemBwSchema != "" && !intelrdt.IsMBAEnabled():
		return errors.New("Intel RDT/MBA: memory bandwidth schema is not enabled") //nolint:staticcheck // upstream's text
	case config.IntelRdt == nil:
		// The container was never put into a resctrl group.
		return errors.New("updating a non-existent Intel RDT configuration is not supported")
	}
	rdt := *config.IntelRdt
	config.IntelRdt = &rdt
	if r.L3CacheSchema != "" {
		rdt.L3CacheSchema = r.L3CacheSchema
	}
	if r.MemBwSchema != "" {
		rdt.MemBwSchema = r.MemBwSchema
	}
	return nil
}

// set gives into the value v, if there is one.
func set[T any](into, v *T) {
	if v != nil {
		*into = *v
	}
}

// weights returns a copy of old, in which each device of changed has its new
// weights. Of several entries for a device the last one counts.
func weights(old []*cgroups.WeightDevice, changed []specs.LinuxWeightDevice) []*cgroups.WeightDevice {
	out := slices.Clone(old)
	for _, c := range changed {
		d := cgroups.NewWeightDevice(c.Major, c.Minor, 0, 0)
		at := last(out, func(o *cgroups.WeightDevice) bool { return o.Major == c.Major && o.Minor == c.Minor })
		if at < 0 {
			at, out = len(out), append(out, d)
		} else {
			*d = *out[at]
		}
		set(&d.Weight, c.Weight)
		set(&d.LeafWeight, c.LeafWeight)
		out[at] = d
	}
	return out
}

// rates does for throttled devices what [weights] does for weighed ones.
func rates(old []*cgroups.ThrottleDevice, changed []specs.LinuxThrottleDevice) []*cgroups.ThrottleDevice {
	out := slices.Clone(old)
	for _, c := range changed {
		d := cgroups.NewThrottleDevice(c.Major, c.Minor, c.Rate)
		at := last(out, func(o *cgroups.ThrottleDevice) bool { return o.Major == c.Major && o.Minor == c.Minor })
		if at < 0 {
			out = append(out, d)
		} else {
			out[at] = d
		}
	}
	return out
}

// last is the index of the last element that is wanted, or -1.
func last[T any](list []T, wanted func(T) bool) int {
	for i, e := range slices.Backward(list) {
		if wanted(e) {
			return i
		}
	}
	return -1
}
