package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// tokenLife is how long a ClientRequestToken makes a transaction idempotent after it was done.
const tokenLife = 10 * time.Minute

// tokens are the ClientRequestTokens of transactions under way and done.
type tokens struct {
	mu     sync.Mutex
	known  map[string]*tokenState
	expiry []string // tokens of transactions that are done, oldest first
}

type tokenState struct {
	content [sha256.Size]byte
	done    time.Time // zero: under way
}

// begin notes that the transaction of a token begins. It says whether the same one was done before.
func (t *tokens) begin(token string, content [sha256.Size]byte, now time.Time) (done bool, expired []string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.expiry) > 0 {
		oldest := t.known[t.expiry[0]]
		if oldest != nil && now.Sub(oldest.done) < tokenLife {
			break
		}
		delete(t.known, t.expiry[0])
		expired = append(expired, t.expiry[0])
		t.expiry = t.expiry[1:]
	}
	known := t.known[token]
	switch {
	case known == nil || !known.done.IsZero() && now.Sub(known.done) >= tokenLife:
		if t.known == nil {
			t.known = map[string]*tokenState{}
		}
		if known != nil { // it has expired, behind one that was kept in another order
			t.expiry = slices.DeleteFunc(t.expiry, func(other string) bool { return other == token })
		}
		t.known[token] = &tokenState{content: content}
		return false, expired, nil
	case known.content != content:
		return false, expired, dispatch.Errorf("IdempotentParameterMismatchException", "Idempotent parameter mismatch: the request uses the same client token as a previous, but non-identical request.")
	case known.done.IsZero():
		return false, expired, dispatch.Errorf("TransactionInProgressException", "The transaction with the given request token is already in progress.")
	}
	return true, expired, nil
}

// end notes that a transaction is done, or forgets its token when it failed.
func (t *tokens) end(token string, at time.Time, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if failed {
		delete(t.known, token)
		return
	}
	t.known[token].done = at
	t.expiry = append(t.expiry, token)
}

// restore takes up a token that was kept.
func (t *tokens) restore(token string, value []byte, now time.Time) {
	state := &tokenState{}
	if len(value) != len(state.content)+8 {
		return
	}
	copy(state.content[:], value)
	state.done = time.UnixMilli(int64(binary.BigEndian.Uint64(value[len(state.content):])))
	if now.Sub(state.done) >= tokenLife {
		state.done = now.Add(-tokenLife) // it goes with the next transaction
	}
	if t.known == nil {
		t.known = map[string]*tokenState{}
	}
	t.known[token] = state
	t.expiry = append(t.expiry, token)
}

// once carries out a transaction with a token, unless it was done before.
func (s *Service) once(ctx context.Context, in *TransactWriteItemsInput, writes []*write) (*TransactWriteItemsOutput, error) {
	text, err := json.Marshal(in.TransactItems)
	if err != nil {
		return nil, fmt.Errorf("comparing a transaction to earlier ones: %w", err)
	}
	token, content := *in.ClientRequestToken, sha256.Sum256(text)
	done, expired, err := s.tokens.begin(token, content, s.now())
	s.log.forgetTokens(expired)
	if err != nil {
		return nil, err
	}
	if done {
		out := &TransactWriteItemsOutput{}
		if wantsCapacity(in.ReturnConsumedCapacity) {
			out.ConsumedCapacity = costOf(in.ReturnConsumedCapacity, writes, "read", func(*write) units { return units{table: 1} })
		}
		return out, nil
	}
	now := s.now()
	value := binary.BigEndian.AppendUint64(content[:], uint64(now.UnixMilli()))
	err = s.commit(ctx, dispatch.NewRequestID(), writes, token, value)
	s.tokens.end(token, s.now(), err != nil)
	if err != nil {
		return nil, err
	}
	return in.output(writes), nil
}
