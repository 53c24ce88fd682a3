// Package node starts a Kubernetes node for tests, all of it on loopback: etcd,
// kube-apiserver, containerd and kubelet, unmodified, each a daemon that a test
// may kill and start again. There is no scheduler and no controller: a pod names
// its node, and whoever wants a replacement makes it.
//
// It is to be run by script/kubernetes, in namespaces that end with it. Its
// observer asks none of the daemons: it reads /proc, cgroups, mounts and state
// directories.
package node
