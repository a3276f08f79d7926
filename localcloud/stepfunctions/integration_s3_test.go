package stepfunctions

import (
	"context"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/store"
)

func newBucket(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, store.Memory())
	if _, err := s3.New(w.d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.d.Do(context.Background(), w.d.Root(), "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: "bucket"}); err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string]string{"text": "text data", "items": `[1,2]`} {
		if _, err := w.d.Do(context.Background(), w.d.Root(), "s3", "PutObject", &s3.PutObjectInput{Bucket: "bucket", Key: key, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestTasksOnObjects(t *testing.T) {
	w := newBucket(t)
	for _, c := range []struct{ action, parameters, want string }{
		{"getObject", `{"Bucket":"bucket","Key":"text"}`, `{"AcceptRanges":"bytes","ContentLength":9,"ContentType":"binary/octet-stream","ETag":"\"332eec544317a6d340b8e77da7fe54ad\"","LastModified":"2026-03-01T12:00:00Z","Metadata":{},"ServerSideEncryption":"AES256","Body":"text data"}`},
		{"headObject", `{"Bucket":"bucket","Key":"items"}`, `"ContentLength":5,"ContentType":"binary/octet-stream","ETag":"\"f79408e5ca998cd53faf44af31e6eb45\"","LastModified":"2026-03-01T12:00:00Z","Metadata":{},"ServerSideEncryption":"AES256"}`},
		{"putObject", `{"Bucket":"bucket","Key":"new","Body":false}`, `{"ChecksumCRC32":"K81oMA==","ChecksumType":"FULL_OBJECT","ETag":"\"68934a3e9455fa72420237eb05902327\"","ServerSideEncryption":"AES256"}`},
		{"listObjectsV2", `{"Bucket":"bucket","Prefix":"t"}`, `"LastModified":"2026-03-01T12:00:00Z"`},
		{"deleteObject", `{"Bucket":"bucket","Key":"new"}`, `{}`},
		{"getObject", `{"Bucket":"bucket","Key":"none"}`, `S3.NoSuchKeyException: The specified key does not exist. (Service: S3, Status Code: 404, Request ID: `},
		{"headObject", `{"Bucket":"none","Key":"none"}`, `S3.NoSuchBucketException: `},
		{"deleteBucket", `{"Bucket":"bucket"}`, `S3.S3Exception: The bucket you tried to delete is not empty (`},
	} {
		arn := create(w, "on-"+c.action+"-"+strings.Trim(c.parameters[len(c.parameters)-6:], `"}:`), "STANDARD",
			`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:`+c.action+`","Parameters":`+c.parameters+`,"End":true}}}`)
		execution := begin(w, arn, "", "{}")
		w.settle()
		out := describe(w, execution)
		got := deref(out.Error) + ": " + deref(out.Cause)
		if out.Output != nil {
			got = *out.Output
		}
		if !strings.Contains(got, c.want) || c.action == "headObject" && strings.Contains(got, "Body") {
			t.Errorf("%s of %s gives %s, want %s", c.action, c.parameters, got, c.want)
		}
	}
}

// A distributed Map reads its items as its role, and a list's as AWS shows them.
func TestItemReaders(t *testing.T) {
	w := newBucket(t)
	definition := func(action, parameters, config string) string {
		return `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:` + action + `","Parameters":` + parameters + config + `},
			"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`
	}
	object := create(w, "object", "STANDARD", definition("getObject", `{"Bucket":"bucket","Key":"items"}`, `,"ReaderConfig":{"InputType":"JSON"}`))
	if got := deref(finished(w, begin(w, object, "", "{}"), succeeded).Output); got != `[1,2]` {
		t.Errorf("the items of an object are %s", got)
	}
	all := create(w, "list", "STANDARD", definition("listObjectsV2", `{"Bucket":"bucket","MaxKeys":1}`, ""))
	want := `[{"Key":"items","LastModified":1772366400,"Etag":"\"f79408e5ca998cd53faf44af31e6eb45\"","Size":5,"StorageClass":"STANDARD"},` +
		`{"Key":"text","LastModified":1772366400,"Etag":"\"332eec544317a6d340b8e77da7fe54ad\"","Size":9,"StorageClass":"STANDARD"}]`
	if got := deref(finished(w, begin(w, all, "", "{}"), succeeded).Output); got != want {
		t.Errorf("the items of a list are %s, want %s", got, want)
	}
	w.rules.deny("s3:GetObject", true)
	out := finished(w, begin(w, object, "", "{}"), failed)
	if deref(out.Error) != "States.ItemReaderFailed" || !strings.Contains(deref(out.Cause), "not authorized to perform: s3:GetObject") {
		t.Errorf("without permission the Map fails with %s: %s", deref(out.Error), deref(out.Cause))
	}
}
