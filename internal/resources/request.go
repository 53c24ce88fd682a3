// Package resources changes the limits of a running container.
package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/docker/go-units"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Request says which limits get which values. What it does not mention stays
// as it is, apart from the exceptions that [Request.merge] names.
type Request struct {
	specs.LinuxResources

	// Intel RDT schemata, "" for no change.
	L3CacheSchema string
	MemBwSchema   string
}

// Flags are the flags of "runc update", a [cli.Command].
type Flags interface {
	String(name string) string
	Int(name string) int
	IsSet(name string) bool
}

// FromFlags reads a request from flags. With the flag "resources" the limits
// come from a file, or from stdin if that is named "-", and the other flags but
// those of Intel RDT are not looked at.
func FromFlags(f Flags, stdin io.Reader) (Request, error) {
	r := Request{L3CacheSchema: f.String("l3-cache-schema"), MemBwSchema: f.String("mem-bw-schema")}
	var err error
	switch file := f.String("resources"); file {
	case "":
		r.LinuxResources, err = limits(f)
	case "-":
		r.LinuxResources, err = decode(stdin, "standard input")
	default:
		r.LinuxResources, err = read(file)
	}
	if err != nil {
		return Request{}, err
	}
	r.complete()
	return r, nil
}

func read(path string) (specs.LinuxResources, error) {
	f, err := os.Open(path)
	if err != nil {
		return specs.LinuxResources{}, err
	}
	defer f.Close()
	return decode(f, path)
}

// decode reads the JSON form of the limits. Its errors name the source; those of
// encoding/json about the type of a value name the field.
func decode(in io.Reader, source string) (specs.LinuxResources, error) {
	var r specs.LinuxResources
	err := json.NewDecoder(in).Decode(&r)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return r, fmt.Errorf("resources in %s: byte %d: %w", source, syntax.Offset, err)
	}
	if errors.Is(err, io.EOF) {
		return r, fmt.Errorf("resources in %s: there is no JSON", source)
	}
	if err != nil {
		return r, fmt.Errorf("resources in %s: %w", source, err)
	}
	return r, nil
}

func limits(f Flags) (specs.LinuxResources, error) {
	in := reader{flags: f}
	r := specs.LinuxResources{
		BlockIO: &specs.LinuxBlockIO{Weight: in.weight("blkio-weight")},
		CPU: &specs.LinuxCPU{
			Burst:           in.unsigned("cpu-burst"),
			Cpus:            f.String("cpuset-cpus"),
			Idle:            in.signed("cpu-idle"),
			Mems:            f.String("cpuset-mems"),
			Period:          in.unsigned("cpu-period"),
			Quota:           in.signed("cpu-quota"),
			RealtimePeriod:  in.unsigned("cpu-rt-period"),
			RealtimeRuntime: in.signed("cpu-rt-runtime"),
			Shares:          in.unsigned("cpu-share"),
		},
		Memory: &specs.LinuxMemory{
			Kernel:      in.bytes("kernel-memory"), //nolint:staticcheck // deprecated, warned of
			KernelTCP:   in.bytes("kernel-memory-tcp"),
			Limit:       in.bytes("memory"),
			Reservation: in.bytes("memory-reservation"),
			Swap:        in.bytes("memory-swap"),
		},
		Pids: &specs.LinuxPids{Limit: in.count("pids-limit")},
	}
	return r, in.err
}

// complete puts in the parts that are missing, and the values that others imply.
func (r *Request) complete() {
	if r.BlockIO == nil {
		r.BlockIO = &specs.LinuxBlockIO{}
	}
	if r.CPU == nil {
		r.CPU = &specs.LinuxCPU{}
	}
	if r.Memory == nil {
		r.Memory = &specs.LinuxMemory{}
	}
	if r.Pids == nil {
		r.Pids = &specs.LinuxPids{}
	}
	if r.Memory.CheckBeforeUpdate == nil {
		r.Memory.CheckBeforeUpdate = new(false)
	}
	// A swap limit can't outlive the memory limit that it includes.
	if r.Memory.Swap == nil && r.Memory.Limit != nil && *r.Memory.Limit == -1 {
		r.Memory.Swap = new(int64(0))
	}
	// The kernel refuses to set the weight of an idle cgroup.
	if r.CPU.Shares == nil && r.CPU.Idle != nil {
		r.CPU.Shares = new(uint64(0))
	}
}

// reader turns flags into limits, nil where a flag is not given, and keeps the
// first error.
type reader struct {
	flags Flags
	err   error
}

func (in *reader) unsigned(name string) *uint64 {
	return parse(in, name, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
}

func (in *reader) signed(name string) *int64 {
	return parse(in, name, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

// bytes reads a size with an optional binary unit, or -1 for no limit.
func (in *reader) bytes(name string) *int64 {
	return parse(in, name, func(s string) (int64, error) {
		if s == "-1" {
			return -1, nil
		}
		return units.RAMInBytes(s)
	})
}

// count reads a number for which 0 is not the same as no flag.
func (in *reader) count(name string) *int64 {
	if !in.flags.IsSet(name) {
		return nil
	}
	return new(int64(in.flags.Int(name)))
}

func (in *reader) weight(name string) *uint16 {
	switch w := in.flags.Int(name); {
	case w == 0:
		return nil
	case w < 0 || w > math.MaxUint16:
		in.fail(name, fmt.Errorf("%d is not a weight", w))
		return nil
	default:
		return new(uint16(w))
	}
}

func (in *reader) fail(name string, err error) {
	if in.err == nil {
		in.err = fmt.Errorf("invalid value for %s: %w", name, err)
	}
}

func parse[T any](in *reader, name string, number func(string) (T, error)) *T {
	s := in.flags.String(name)
	if s == "" {
		return nil
	}
	v, err := number(s)
	if err != nil {
		in.fail(name, err)
		return nil
	}
	return &v
}
