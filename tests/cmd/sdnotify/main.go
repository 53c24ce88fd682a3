// Command sdnotify plays both ends of the sd_notify protocol.
//
//	sdnotify host SOCKET    the service manager: print each line that arrives
//	                        and acknowledge barriers, until BARRIER=1 came
//	sdnotify send TEXT ...  the service: send each text to $NOTIFY_SOCKET
//
// The host ends by itself after 30 seconds.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	err := errors.New("usage: sdnotify host SOCKET, or sdnotify send TEXT [TEXT]")
	switch {
	case len(os.Args) == 3 && os.Args[1] == "host":
		err = host(os.Args[2])
	case len(os.Args) > 2 && os.Args[1] == "send":
		err = send(os.Args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdnotify:", err)
		os.Exit(1)
	}
}

func host(socket string) error {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	text, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
		if err != nil {
			return err
		}
		fmt.Println(strings.TrimSpace(string(text[:n])))
		if strings.Contains(string(text[:n]), "BARRIER=1") {
			return acknowledge(oob[:oobn])
		}
	}
}

// acknowledge closes the descriptor that came with a barrier: that is the
// answer which the sender waits for.
func acknowledge(oob []byte) error {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) != 1 {
		return fmt.Errorf("barrier with %d control messages: %w", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return fmt.Errorf("barrier with %d descriptors: %w", len(fds), err)
	}
	return unix.Close(fds[0])
}

func send(texts []string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, text := range texts {
		if _, err := conn.Write([]byte(text)); err != nil {
			return err
		}
	}
	return nil
}
