package node

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Annotation asks this project's runtime to wait; others take it for a comment.
const Annotation = "org.opencontainers.runc.kill.wait"

func (n *Node) writeFiles() error {
	key, err := serviceKey()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"key.pem":               string(key),
		"tokens":                token + `,admin,1,"system:masters"` + "\n",
		"containerd.toml":       n.containerdConfig(),
		"kubeconfig":            kubeconfig,
		"kubelet.yaml":          n.kubeletConfig(),
		"cni/10-tests.conflist": cniConfig,
		"cni/address":           cniPlugin,
	} {
		if err := os.WriteFile(n.path(name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// containerdConfig: the part that matters is the handlers'; the rest is what a
// machine without network, with few privileges and with other engines needs.
func (n *Node) containerdConfig() string {
	var text strings.Builder
	fmt.Fprintf(&text, `version = 3
root = %q
state = %q
[grpc]
  address = %q
[ttrpc]
  address = %q
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = %q
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = [%q]
  conf_dir = %q
  use_internal_loopback = true
[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = %q
`, n.path("containerd"), n.StateDir(), n.path("containerd.sock"), n.path("containerd.ttrpc"), pauseImage,
		n.path("cni"), n.path("cni"), slices.Sorted(maps.Keys(n.Handlers))[0])
	for name, runtime := range n.Handlers {
		fmt.Fprintf(&text, `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.%s]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = [%q]
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.%s.options]
  BinaryName = %q
  SystemdCgroup = %t
`, name, Annotation, name, runtime, n.Systemd)
	}
	return text.String()
}

// StateDir is containerd's, below /run as it would be by default.
func (n *Node) StateDir() string { return "/run/containerd" }

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "` + serverAddress + `", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: ` + token + `}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`

// kubeletConfig leaves alone what has to do with the end of a pod. failCgroupV1
// lets it run where the machine has version 1; nothing is evicted, since the
// machine's disk is somebody else's.
func (n *Node) kubeletConfig() string {
	driver := "cgroupfs"
	if n.Systemd {
		driver = "systemd"
	}
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%s
cgroupDriver: %s
cgroupRoot: %s
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
address: 127.0.0.1
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
podLogsDir: %s
volumePluginDir: %s
eventRecordQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
`, n.path("containerd.sock"), driver, n.Cgroup, n.path("logs", "pods"), n.path("volumes"))
}

const cniConfig = `{"cniVersion": "1.0.0", "name": "tests", "plugins": [{"type": "address"}]}
`

// cniPlugin gives each pod an address that leads nowhere.
const cniPlugin = `#!/bin/sh
case $CNI_COMMAND in
  VERSION) echo '{"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0", "1.1.0"]}' ;;
  ADD) echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.97.'$(($$ / 250 % 250))'.'$(($$ % 250 + 2))'/16"}]}' ;;
esac
`
