package lambda

// Retrying returns the number of asynchronous invocations that wait for their next attempt.
func (s *Service) Retrying() int {
	s.async.mu.Lock()
	defer s.async.mu.Unlock()
	return len(s.async.timers)
}

// Pending returns the number of asynchronous invocations that are not done.
func (s *Service) Pending() int {
	s.async.mu.Lock()
	defer s.async.mu.Unlock()
	return len(s.async.events)
}
