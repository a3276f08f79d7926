package golambda

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// buildFolder holds the archives, below the root of the module that is built.
const buildFolder = ".carepath/build"

// Build says which Go command becomes an archive that Lambda can run.
type Build struct {
	// Root is the folder of the module's go.mod. Default: the nearest one from the working directory upwards.
	Root string
	// Package is the command's folder relative to Root, such as "handlers/intake".
	Package string
	// Name is the folder of the archive in the cache.
	Name string
	// GOOS and GOARCH are the target.
	GOOS, GOARCH string
}

// Artifact is an archive with an executable "bootstrap" in it, as Lambda's runtime provided.al2023 wants it.
type Artifact struct {
	// Path is the archive's absolute path.
	Path string
	// SHA256 is the digest of the archive, in hexadecimal.
	SHA256 string
	// CodeSHA256 is the digest as Lambda shows it, in base64.
	CodeSHA256 string
}

// ModuleRoot returns the nearest folder with a go.mod, from dir upwards.
func ModuleRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the root of the Go module: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && info.Mode().IsRegular() {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("finding the root of the Go module: no go.mod in %s or above", start)
		}
	}
}

// Run builds the command and packs it. The same sources and toolchain give the same bytes, wherever and whenever they are
// built: no paths, no build ids, no version control state, no times. Older archives of the same name and target are removed.
//
// With a context of WithoutBuild it does not build: the artifact says only what it would be.
func (b Build) Run(ctx context.Context) (*Artifact, error) {
	if ctx.Value(withoutBuild{}) != nil {
		what := b.Package + "@" + b.GOOS + "-" + b.GOARCH
		return &Artifact{Path: buildFolder + "/" + b.Name + "/" + b.GOOS + "-" + b.GOARCH + ".zip", SHA256: what, CodeSHA256: what}, nil
	}
	doing := "building the function " + b.Name + " from " + b.Package
	if b.Root == "" {
		root, err := ModuleRoot(".")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		b.Root = root
	}
	info, err := os.Stat(filepath.Join(b.Root, filepath.FromSlash(b.Package)))
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: there is no such folder in %s", doing, b.Root)
	}
	temporary, err := os.MkdirTemp("", "carepath-build-")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer os.RemoveAll(temporary)
	bootstrap := filepath.Join(temporary, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w -buildid=", "-o", bootstrap, "./"+filepath.ToSlash(filepath.Clean(b.Package)))
	cmd.Dir = b.Root
	// A workspace file or flags from outside would make the result depend on the machine.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+b.GOOS, "GOARCH="+b.GOARCH, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%s: the Go toolchain is not in PATH: install it from https://go.dev/dl", doing)
		}
		return nil, fmt.Errorf("%s: %w\n%s", doing, err, strings.TrimSpace(output.String()))
	}
	archive, err := pack(bootstrap)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	artifact, err := b.keep(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return artifact, nil
}

type withoutBuild struct{}

// WithoutBuild returns a context with which functions are described and not built: for those who want to see the resources and not
// deploy them.
func WithoutBuild(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutBuild{}, true)
}

// pack makes an archive with one entry, the same bytes for the same file.
func pack(bootstrap string) ([]byte, error) {
	program, err := os.ReadFile(bootstrap)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := entry.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

// keep writes the archive into the cache under its digest and removes the others of its name and target; those of another
// target may be in use by another stack's deployment.
func (b Build) keep(archive []byte) (*Artifact, error) {
	sum := sha256.Sum256(archive)
	folder, err := filepath.Abs(filepath.Join(b.Root, filepath.FromSlash(buildFolder), b.Name, b.GOOS+"-"+b.GOARCH))
	if err != nil {
		return nil, err
	}
	a := &Artifact{SHA256: hex.EncodeToString(sum[:]), CodeSHA256: base64.StdEncoding.EncodeToString(sum[:])}
	a.Path = filepath.Join(folder, a.SHA256+".zip")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	if kept, err := os.ReadFile(a.Path); err != nil || !bytes.Equal(kept, archive) {
		// Written beside and renamed, so that another run never reads half an archive.
		partial, err := os.CreateTemp(folder, "partial-")
		if err != nil {
			return nil, err
		}
		_, err = partial.Write(archive)
		if err = errors.Join(err, partial.Chmod(0o644), partial.Close()); err == nil {
			err = os.Rename(partial.Name(), a.Path)
		}
		if err != nil {
			return nil, errors.Join(err, os.Remove(partial.Name()))
		}
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.zip"))
	if err != nil {
		return nil, err
	}
	for _, path := range old {
		if path != a.Path {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
		}
	}
	return a, nil
}

// Architecture is the processor that a function runs on.
type Architecture string

// The architectures. Host is the machine that deploys, for an embedded AWS that runs the functions itself.
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
	Host  Architecture = "host"
)

// target returns Go's names of the target and Lambda's name of the architecture.
func (a Architecture) target() (goos, goarch, lambda string, err error) {
	switch a {
	case ARM64, "":
		return "linux", "arm64", string(ARM64), nil
	case X8664:
		return "linux", "amd64", string(X8664), nil
	case Host:
		if runtime.GOARCH == "amd64" {
			return runtime.GOOS, "amd64", string(X8664), nil
		}
		return runtime.GOOS, runtime.GOARCH, string(ARM64), nil
	}
	return "", "", "", fmt.Errorf("Architecture: must be %q, %q or %q, got %q", ARM64, X8664, Host, a)
}
