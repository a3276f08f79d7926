package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	// filePeriod is how often log files are written.
	filePeriod = 5 * time.Minute
	// maxFile is the number of records after which a log file is written at once.
	maxFile = 10_000
)

// files writes the records of trails as log files into their buckets.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
type files struct {
	s *Service

	mu      sync.Mutex
	closed  bool
	records map[string][]*Record // by trail
	timer   clock.Timer
	results map[string]result
}

// result is the latest delivery of a trail.
type result struct {
	at      time.Time // of the latest one that succeeded
	failure string    // S3's code; empty if it succeeded
}

func (f *files) add(trail string, r *Record) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	if f.records == nil {
		f.records = map[string][]*Record{}
	}
	f.records[trail] = append(f.records[trail], r)
	var full []*Record
	if len(f.records[trail]) >= maxFile {
		full = f.records[trail]
		delete(f.records, trail)
	}
	if f.timer == nil {
		f.timer = f.s.d.Clock.AfterFunc(filePeriod, f.flush)
	}
	f.mu.Unlock()
	if full != nil {
		f.write(trail, full)
	}
}

// flush writes what has come since the last time.
func (f *files) flush() {
	f.mu.Lock()
	all := f.records
	f.records, f.timer = nil, nil
	f.mu.Unlock()
	for trail, records := range all {
		f.write(trail, records)
	}
}

func (f *files) write(trail string, records []*Record) {
	r, ok := f.s.trails.Get(trail)
	if !ok {
		return
	}
	err := f.put(&r, records)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.results == nil {
		f.results = map[string]result{}
	}
	was := f.results[trail]
	if err != nil {
		was.failure = dispatch.AsError(err).Code
	} else {
		was = result{at: f.s.d.Clock.Now()}
	}
	f.results[trail] = was
}

func (f *files) put(r *row, records []*Record) error {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	if err := json.NewEncoder(zip).Encode(map[string]any{"Records": records}); err != nil {
		return fmt.Errorf("writing a log file: %w", err)
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("writing a log file: %w", err)
	}
	s, now := f.s, f.s.d.Clock.Now().UTC()
	name := fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", s.d.Account, s.d.Region, now.Format("20060102T1504Z"), rand.Text()[:16])
	return s.store(context.Background(), r, now.Format("2006/01/02/")+name, b.Bytes())
}

// store puts an object below the trail's prefix, as CloudTrail.
func (s *Service) store(ctx context.Context, r *row, name string, body []byte) error {
	key := path.Join(r.Prefix, "AWSLogs", s.d.Account, "CloudTrail", s.d.Region) + "/" + name
	in := map[string]any{"Bucket": r.Bucket, "Key": key, "Body": body, "ACL": "bucket-owner-full-control"}
	if r.Key != "" {
		in["SSEKMSKeyId"], in["SSEKMSEncryptionContext"] = r.Key, []byte(`{"aws:cloudtrail:arn":"`+s.arn(r.Name)+`"}`)
	}
	_, err := s.d.Do(ctx, s.principal(r.Name), "s3", "PutObject", in)
	return err
}

// checkBucket checks that the trail's bucket is there and lets CloudTrail in, as AWS does when a trail is made.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
func (s *Service) checkBucket(ctx context.Context, r *row) error {
	_, err := s.d.Do(ctx, s.principal(r.Name), "s3", "GetBucketAcl", map[string]any{"Bucket": r.Bucket})
	if err == nil {
		err = s.store(ctx, r, "", nil) // a folder
	}
	switch {
	case err == nil:
		return nil
	case dispatch.AsError(err).Code == "NoSuchBucket":
		return dispatch.Errorf("S3BucketDoesNotExistException", "S3 bucket %s does not exist!", r.Bucket)
	case dispatch.AsError(err).Code == "AccessDenied":
		return dispatch.Errorf("InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: %s", r.Bucket)
	}
	return err
}

func (f *files) latest(trail string) (time.Time, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.results[trail].at, f.results[trail].failure
}

func (f *files) forget(trail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.records, trail)
	delete(f.results, trail)
}

func (f *files) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
}
