package journal

import "time"

// StopSigns has an engine give no more signs of life, as one whose process is
// stopped, until resume is called.
func StopSigns(j *Journal) (resume func()) {
	j.board.mu.Lock()
	return j.board.mu.Unlock
}

// BelieveLease has a stopped engine take its leases for valid.
func BelieveLease(j *Journal) { j.board.until.Store(in(time.Now(), time.Hour)) }
