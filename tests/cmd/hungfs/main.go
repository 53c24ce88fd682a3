// Command hungfs mounts a file system that hangs: whoever looks up a name in it
// waits for an answer that never comes, and once killed is in uninterruptible
// sleep (state D) until hungfs ends. The directory itself can be looked at and
// mounted elsewhere.
//
//	hungfs DIR
//
// It ends on SIGTERM, and the kernel then fails whatever was waiting.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: hungfs DIR")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "hungfs:", err)
		os.Exit(1)
	}
}

// The requests of linux/fuse.h that are not simply refused.
const (
	opLookup      = 1
	opForget      = 2
	opGetattr     = 3
	opStatfs      = 17
	opInit        = 26
	opInterrupt   = 36
	opBatchForget = 42
)

// request is struct fuse_in_header.
type request struct {
	Len, Op        uint32
	Unique, Node   uint64
	UID, GID, PID  uint32
	ExtLen, Unused uint16
}

// replyHeader is struct fuse_out_header.
type replyHeader struct {
	Len    uint32
	Errno  int32
	Unique uint64
}

// initReply is struct fuse_init_out.
type initReply struct {
	Major, Minor, Readahead, Flags uint32
	Background, Congestion         uint16
	MaxWrite, TimeGranularity      uint32
	MaxPages, MapAlignment         uint16
	Flags2                         uint32
	Unused                         [7]uint32
}

// attrReply is struct fuse_attr_out.
type attrReply struct {
	ValidFor                                uint64
	ValidNanos, Unused                      uint32
	Ino, Size, Blocks                       uint64
	Times                                   [3]uint64
	TimeNanos                               [3]uint32
	Mode, Links, UID, GID, Rdev, Blk, Flags uint32
}

// statfsReply is struct fuse_statfs_out.
type statfsReply struct {
	Blocks, Free, Available, Files, FilesFree uint64
	BlockSize, NameLen, FragmentSize, Padding uint32
	Spare                                     [6]uint32
}

func serve(dir string) error {
	// Not os.OpenFile: a read that waits here is ended by the unmount, not by
	// Go's poller.
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fd)
	if err := syscall.Mount("hungfs", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount on %s: %w", dir, err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	go func() { failed <- answer(fd) }()
	select {
	case <-end:
		err = nil
	case err = <-failed:
	}
	return errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH))
}

// answer replies to everything but lookups.
func answer(fd int) error {
	buf := make([]byte, 1<<17)
	for {
		n, err := syscall.Read(fd, buf)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ENOENT):
			continue // ENOENT: whoever asked has gone meanwhile
		case errors.Is(err, syscall.ENODEV):
			return nil // unmounted
		case err != nil:
			return fmt.Errorf("read /dev/fuse: %w", err)
		}
		var req request
		if err := binary.Read(bytes.NewReader(buf[:n]), binary.NativeEndian, &req); err != nil {
			return fmt.Errorf("request of %d bytes: %w", n, err)
		}
		switch req.Op {
		case opLookup, opForget, opInterrupt, opBatchForget:
		case opInit:
			err = reply(fd, req, 0, initReply{Major: 7, Minor: 31, MaxWrite: 4096})
		case opGetattr:
			err = reply(fd, req, 0, attrReply{ValidFor: 3600, Ino: 1, Mode: syscall.S_IFDIR | 0o755, Links: 2, Blk: 4096})
		case opStatfs:
			err = reply(fd, req, 0, statfsReply{BlockSize: 4096, NameLen: 255, FragmentSize: 4096})
		default:
			err = reply(fd, req, syscall.ENOSYS, struct{}{})
		}
		if err != nil {
			return err
		}
	}
}

func reply(fd int, to request, errno syscall.Errno, body any) error {
	head := replyHeader{Len: uint32(16 + binary.Size(body)), Errno: -int32(errno), Unique: to.Unique}
	var out bytes.Buffer
	for _, part := range []any{head, body} {
		if err := binary.Write(&out, binary.NativeEndian, part); err != nil {
			return err
		}
	}
	if _, err := syscall.Write(fd, out.Bytes()); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("answer request %d: %w", to.Op, err)
	}
	return nil
}
