package stepfunctions

import (
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// readers is S3 for the ItemReader of distributed Maps:
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html.
var readers = service{signing: "s3", prefix: "S3", modelled: modelledS3, extended: true}

// readerStyle is how the descriptions of objects look as items.
var readerStyle = style{
	func(member string) string {
		if member == "ETag" {
			return "Etag"
		}
		return member
	},
	func(t time.Time) any { return jsonvalue.NumberFromInt(t.Unix()) },
}

// readItems reads items for a Map state.
func (r *request) readItems() answer {
	result, _, failed := r.call(readers, readerStyle)
	if failed != nil {
		return refused(failed)
	}
	return answer{result: result}
}
