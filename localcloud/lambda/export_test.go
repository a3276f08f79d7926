package lambda

// Retrying returns the number of asynchronous invocations that wait for their next attempt.
func (s *Service) Retrying() int {
	s.async.mu.Lock()
	defer s.async.mu.Unlock()
	return len(s.async.timers)
}
