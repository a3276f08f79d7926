package stepfunctions

// fifo is a queue whose memory follows its length.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) push(x T) { q.items = append(q.items, x) }

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) pop() (T, bool) {
	var none T
	if q.head == len(q.items) {
		return none, false
	}
	x := q.items[q.head]
	q.items[q.head] = none
	q.head++
	if q.head > 64 && q.head > len(q.items)/2 || q.head == len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
		if cap(q.items) > 4096 && n < cap(q.items)/4 {
			q.items = append(make([]T, 0, 2*n), q.items...)
		}
	}
	return x, true
}
