package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	maxZip      = 50 << 20
	maxUnpacked = 250 << 20
)

// root is the folder in which a function's code lies unpacked.
func (s *Service) root(c *FunctionConfiguration) string {
	sum, err := base64.StdEncoding.DecodeString(c.CodeSha256)
	if err != nil || len(sum) < 8 {
		return ""
	}
	return filepath.Join(s.dir, c.FunctionName, hex.EncodeToString(sum[:8]))
}

// archive is the function's ZIP file, from which root can be made again.
func (s *Service) archive(c *FunctionConfiguration) string { return s.root(c) + ".zip" }

// discard deletes code that no function has any more. Processes that still run it keep their executable open.
func (s *Service) discard(root string) {
	for _, path := range []string{root, root + ".zip"} {
		if err := os.RemoveAll(path); err != nil {
			s.d.Logf("lambda: deleting old code: %v", err)
		}
	}
}

// unpack writes a ZIP file and its contents to the function's folder and enters size and hash into c.
func (s *Service) unpack(c *FunctionConfiguration, archive []byte) error {
	if len(archive) > maxZip {
		return &dispatch.Error{Code: "RequestEntityTooLargeException", Status: 413, Message: fmt.Sprintf("Request must be smaller than %d bytes for the CreateFunction operation", maxZip), Fields: map[string]any{"Type": "User"}}
	}
	sum := sha256.Sum256(archive)
	c.CodeSha256, c.CodeSize = base64.StdEncoding.EncodeToString(sum[:]), int64(len(archive))
	if err := extract(archive, s.root(c)); err != nil {
		return err
	}
	if err := os.WriteFile(s.archive(c), archive, 0o600); err != nil {
		return fmt.Errorf("keeping the code of %s: %w", c.FunctionName, err)
	}
	return nil
}

// ensure unpacks the kept ZIP file again if the folder is gone.
func (s *Service) ensure(c *FunctionConfiguration) error {
	if _, err := os.Stat(s.root(c)); err == nil {
		return nil
	}
	archive, err := os.ReadFile(s.archive(c))
	if err != nil {
		return fmt.Errorf("the code of %s is gone: %w", c.FunctionName, err)
	}
	return extract(archive, s.root(c))
}

// extract unpacks into a folder beside root and renames it, so that root is whole or absent.
func extract(archive []byte, root string) error {
	badZip := invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return badZip
	}
	var total uint64
	for _, f := range r.File {
		total += f.UncompressedSize64
		if !filepath.IsLocal(f.Name) {
			return badZip
		}
	}
	if total > maxUnpacked {
		return invalid("Unzipped size must be smaller than %d bytes", maxUnpacked)
	}
	if _, err := os.Stat(root); err == nil {
		return nil // the same code
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o700); err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	making, err := os.MkdirTemp(filepath.Dir(root), "unpacking")
	if err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	defer os.RemoveAll(making)
	for _, f := range r.File {
		if err := extractFile(f, filepath.Join(making, filepath.FromSlash(f.Name))); err != nil {
			return fmt.Errorf("unpacking code: %w", err)
		}
	}
	if err := os.Rename(making, root); err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	return nil
}

func extractFile(f *zip.File, path string) error {
	if strings.HasSuffix(f.Name, "/") {
		return os.MkdirAll(path, 0o700)
	}
	if !f.Mode().IsRegular() {
		return nil // links could lead out of the folder
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|f.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxUnpacked))
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}
