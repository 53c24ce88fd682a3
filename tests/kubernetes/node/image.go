package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Images: both are one static busybox, the second one's program is what holds a
// pod's namespaces.
const (
	Image      = "docker.io/library/busybox:tests"
	pauseImage = "docker.io/library/pause:tests"
)

// writeImage writes an OCI image of busybox as a tar archive.
func writeImage(file, name string, args ...string) error {
	layer, err := busyboxLayer()
	if err != nil {
		return err
	}
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	blob := func(kind string, content []byte) Object {
		sum := fmt.Sprintf("%x", sha256.Sum256(content))
		files["blobs/sha256/"+sum] = content
		return Object{"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + sum, "size": len(content)}
	}
	text := func(o Object) []byte {
		t, _ := json.Marshal(o) // strings and numbers
		return t
	}
	layerBlob := blob("layer.v1.tar", layer)
	config := blob("config.v1+json", text(Object{
		"architecture": runtime.GOARCH, "os": "linux", "config": Object{"Env": []string{"PATH=/bin"}, "Cmd": args},
		"rootfs": Object{"type": "layers", "diff_ids": []any{layerBlob["digest"]}},
	}))
	manifest := blob("manifest.v1+json", text(Object{"schemaVersion": 2, "config": config, "layers": []any{layerBlob}}))
	manifest["annotations"] = Object{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
	files["index.json"] = text(Object{"schemaVersion": 2, "manifests": []any{manifest}})

	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	for name, content := range files {
		if err := addFile(archive, name, 0o644, content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// busyboxLayer has busybox and a link to it for each of its applets.
func busyboxLayer() ([]byte, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	applets, err := exec.Command(path, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for _, dir := range []string{"bin/", "tmp/", "proc/", "sys/", "dev/", "etc/"} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	if err := addFile(archive, "bin/busybox", 0o755, program); err != nil {
		return nil, err
	}
	for _, applet := range strings.Fields(string(applets)) {
		if applet == "busybox" {
			continue
		}
		link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox", Mode: 0o777}
		if err := archive.WriteHeader(link); err != nil {
			return nil, err
		}
	}
	return layer.Bytes(), archive.Close()
}

func addFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))})
	if err == nil {
		_, err = archive.Write(content)
	}
	return err
}
