package s3_test

import (
	"context"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/store"
)

func TestVersions(t *testing.T) {
	d := dispatch.New(clock.NewDriven(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), "000000000000", "us-east-1")
	if _, err := s3.New(d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	do := func(action string, in any) (any, string) {
		t.Helper()
		out, err := d.Do(context.Background(), d.Root(), "s3", action, in)
		if err != nil {
			return nil, dispatch.AsError(err).Code
		}
		return out, ""
	}
	get := func(version string) string {
		t.Helper()
		out, code := do("GetObject", &s3.GetObjectInput{Bucket: "trust", Key: "k", VersionID: version})
		if code != "" {
			return code
		}
		return string(out.(*s3.GetObjectOutput).Body)
	}
	put := func(body string) string {
		t.Helper()
		out, code := do("PutObject", &s3.PutObjectInput{Bucket: "trust", Key: "k", Body: []byte(body)})
		if code != "" {
			t.Fatal(code)
		}
		return out.(*s3.PutObjectOutput).VersionID
	}
	if _, code := do("PutObject", &s3.PutObjectInput{Bucket: "trust", Key: "k"}); code != "NoSuchBucket" {
		t.Error(code)
	}
	if _, code := do("CreateBucket", &s3.CreateBucketInput{Bucket: "No"}); code != "InvalidBucketName" {
		t.Error(code)
	}
	do("CreateBucket", &s3.CreateBucketInput{Bucket: "trust"})
	if v := put("zero"); v != "" || get("") != "zero" {
		t.Errorf("without versioning: %q %s", v, get(""))
	}
	do("PutBucketVersioning", &s3.PutBucketVersioningInput{Bucket: "trust", Status: "Enabled"})
	first, second := put("one"), put("two")
	for version, want := range map[string]string{"": "two", first: "one", second: "two", "null": "zero", "x": "NoSuchVersion"} {
		if got := get(version); got != want {
			t.Errorf("version %q: %s, want %s", version, got, want)
		}
	}
	do("DeleteObject", &s3.GetObjectInput{Bucket: "trust", Key: "k"})
	if got := get(""); got != "NoSuchKey" || get(first) != "one" {
		t.Errorf("deleted: %s, %s", got, get(first))
	}
	if _, code := do("DeleteBucket", &s3.BucketInput{Bucket: "trust"}); code != "BucketNotEmpty" {
		t.Error(code)
	}
	if _, code := do("CreateBucket", &s3.CreateBucketInput{Bucket: "list"}); code != "" {
		t.Fatal(code)
	}
	for _, key := range []string{"a", "b/1", "b/2", "c/1", "d"} {
		do("PutObject", &s3.PutObjectInput{Bucket: "list", Key: key})
	}
	seen := ""
	for token := ""; ; {
		out, code := do("ListObjectsV2", &s3.ListObjectsInput{Bucket: "list", Delimiter: "/", MaxKeys: 2, ContinuationToken: token})
		if code != "" {
			t.Fatal(code)
		}
		page := out.(*s3.ListObjectsOutput)
		for _, o := range page.Contents {
			seen += o.Key + " "
		}
		for _, p := range page.CommonPrefixes {
			seen += p.Prefix + " "
		}
		if token = page.NextContinuationToken; !page.IsTruncated {
			break
		}
	}
	if seen != "a b/ d c/ " {
		t.Errorf("listed %s", seen)
	}
}
