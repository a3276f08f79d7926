package ndjson

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// longestLine is in bytes: HealthLake takes no larger resource in a request. See
// https://docs.aws.amazon.com/healthlake/latest/devguide/reference-healthlake-endpoints-quotas.html.
const longestLine = 5 << 20

var errLong = fmt.Errorf("the line is longer than %d bytes, more than HealthLake takes in a request", longestLine)

// lineReader reads lines one by one.
type lineReader struct {
	from   *bufio.Reader
	number int // of the last line, from 1
}

func newLineReader(from io.Reader) *lineReader {
	return &lineReader{from: bufio.NewReaderSize(from, 64<<10)}
}

// next returns the next line without the space around it; io.EOF after the last. A line that is too long is an error, and the
// one after it follows.
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	long := false
	for {
		piece, err := l.from.ReadSlice('\n')
		if len(line)+len(piece) > longestLine+2 { // \r\n
			line, long = nil, true
		}
		if !long {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(line) == 0 && !long):
			return nil, err
		}
		l.number++
		if long {
			return nil, errLong
		}
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		return bytes.TrimSpace(line), nil
	}
}
