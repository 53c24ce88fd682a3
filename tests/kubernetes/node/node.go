package node

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Name is the node's, for a pod's nodeName.
const Name = "node1"

// Config says what a node is made of.
type Config struct {
	Dir      string            // for all that it writes; not in /run
	Binaries string            // etcd, kube-apiserver, kubelet
	Engine   string            // containerd, containerd-shim-runc-v2, ctr
	Cgroup   string            // the parent of all cgroups of pods, as a path in each hierarchy
	Systemd  bool              // it is systemd that makes the cgroups; then Cgroup is "/"
	Slow     int               // how many times longer everything may take
	Address  string            // of the node, on loopback, but none of 127.0.0.0/8
	Alive    string            // tests/cmd/alive
	Handlers map[string]string // runtime class, to the program that containerd calls
	Programs map[string]string // the same, to the runtime that this runs
}

// Node is a node that runs.
type Node struct {
	Config
	API        *API
	Containerd *Daemon
	Kubelet    *Daemon
	ImageFile  string // an archive of Image

	etcd, server *Daemon
	daemons      []*Daemon
}

const (
	etcdAddress   = "http://127.0.0.1:2379"
	serverAddress = "https://127.0.0.1:6443"
	token         = "loopback-only" // of our own network namespace
)

// Start starts everything, and returns when the node takes pods. Stop is to be
// called also where it fails.
func Start(c Config) (*Node, error) {
	n := &Node{Config: c, API: newAPI(serverAddress, token)}
	n.API.patience = n.atMost(30 * time.Second)
	for _, dir := range []string{"logs", "kubelet", "etcd", "cni", "volumes"} {
		if err := os.MkdirAll(filepath.Join(n.Dir, dir), 0o755); err != nil {
			return n, err
		}
	}
	for _, step := range []func() error{
		n.makeCgroup, n.writeFiles, n.startEngine, n.startServer, n.makeClasses, n.startKubelet,
	} {
		if err := step(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// atMost is a limit for an idle machine, made one for this.
func (n *Node) atMost(limit time.Duration) time.Duration {
	return limit * time.Duration(max(n.Slow, 1))
}

// Stop ends the daemons, kubelet first.
func (n *Node) Stop() {
	for _, d := range slices.Backward(n.daemons) {
		if d.end(unix.SIGTERM) != nil {
			_ = d.Kill()
		}
	}
}

func (n *Node) path(name ...string) string { return filepath.Join(append([]string{n.Dir}, name...)...) }

func (n *Node) environment() []string {
	return []string{
		"PATH=" + strings.Join([]string{n.Binaries, n.Engine, os.Getenv("PATH")}, ":"), "HOME=" + n.Dir,
		"GOGC=" + os.Getenv("GOGC"), // empty is Go's default
	}
}

// StartContainerd starts containerd, and returns when its CRI answers.
func (n *Node) StartContainerd() error {
	if err := n.Containerd.Start(); err != nil {
		return err
	}
	return n.Containerd.answers(n.atMost(30*time.Second), func() error { return n.ctr("version") })
}

func (n *Node) ctr(args ...string) error {
	args = append([]string{"--address", n.path("containerd.sock"), "--namespace", "k8s.io"}, args...)
	text, err := exec.Command(filepath.Join(n.Engine, "ctr"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return nil
}

func (n *Node) startEngine() error {
	n.Containerd = n.daemon("containerd", filepath.Join(n.Engine, "containerd"), "--config", n.path("containerd.toml"))
	if err := n.StartContainerd(); err != nil {
		return err
	}
	for name, args := range map[string][]string{Image: {"sh"}, pauseImage: {"tail", "-f", "/dev/null"}} {
		file := n.path(filepath.Base(name) + ".tar")
		if err := writeImage(file, name, args...); err != nil {
			return err
		}
		if err := n.ctr("images", "import", file); err != nil {
			return err
		}
	}
	n.ImageFile = n.path(filepath.Base(Image) + ".tar")
	return nil
}

func (n *Node) startServer() error {
	n.etcd = n.daemon("etcd", filepath.Join(n.Binaries, "etcd"), "--data-dir", n.path("etcd"),
		"--listen-client-urls", etcdAddress, "--advertise-client-urls", etcdAddress,
		"--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync")
	if err := n.etcd.Start(); err != nil {
		return err
	}
	n.server = n.daemon("kube-apiserver", filepath.Join(n.Binaries, "kube-apiserver"),
		"--etcd-servers", etcdAddress, "--bind-address", "127.0.0.1", "--secure-port", "6443",
		"--advertise-address", n.Address, "--endpoint-reconciler-type", "none",
		"--service-cluster-ip-range", "10.96.0.0/16", "--cert-dir", n.path("certificates"),
		"--token-auth-file", n.path("tokens"), "--authorization-mode", "AlwaysAllow", "--allow-privileged",
		"--service-account-issuer", "https://kubernetes.default", "--service-account-key-file", n.path("key.pem"),
		"--service-account-signing-key-file", n.path("key.pem"), "--disable-admission-plugins", "ServiceAccount")
	if err := n.server.Start(); err != nil {
		return err
	}
	return n.server.answers(n.atMost(2*time.Minute), func() error {
		res, err := n.API.client.Get(serverAddress + "/livez")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return n.API.Do("GET", "/api/v1/namespaces/default", nil, nil)
	})
}

// makeClasses makes a RuntimeClass for each of containerd's handlers.
func (n *Node) makeClasses() error {
	for name := range n.Handlers {
		class := Object{
			"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": Object{"name": name}, "handler": name,
		}
		if err := n.API.Do("POST", "/apis/node.k8s.io/v1/runtimeclasses", class, nil); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) startKubelet() error {
	n.Kubelet = n.daemon("kubelet", filepath.Join(n.Binaries, "kubelet"), "--config", n.path("kubelet.yaml"),
		"--kubeconfig", n.path("kubeconfig"), "--root-dir", n.path("kubelet"), "--cert-dir", n.path("certificates"),
		"--hostname-override", Name, "--node-ip", n.Address, "-v", "2")
	return n.StartKubelet()
}

// StartKubelet starts kubelet, and returns when the node is ready.
func (n *Node) StartKubelet() error {
	if err := n.Kubelet.Start(); err != nil {
		return err
	}
	return n.Kubelet.answers(n.atMost(time.Minute), func() error { return n.API.ready(Name) })
}

// serviceKey makes the key that the server signs service accounts with.
func serviceKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
}
