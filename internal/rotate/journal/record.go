package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/rotate/record"
)

// Record is a line of the journal, as it is read.
type Record = record.Record

// Entry is what is to be written.
type Entry = record.Entry

// Append writes one record and its sealed secrets in one transaction. When it
// returns nil, all of it is on the disk and every sealed value has been read
// back and compared. It refuses when the journal is damaged (ErrCorrupt), the disk
// is full (ErrUnwritable) or the lease was lost (ErrFenced). An entry about what
// has happened may take the reserved room.
func (l *Lease) Append(ctx context.Context, e Entry) (Record, error) {
	j := l.j
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.broken != nil:
		return Record{}, fmt.Errorf("write to the journal: %w", j.broken)
	case j.spent && !e.Happened:
		return Record{}, fmt.Errorf("%w: %w", ErrUnwritable, errNoReserve)
	}
	rec, err := l.append(ctx, e)
	if errors.Is(err, ErrUnwritable) && e.Happened && j.giveReserve() {
		rec, err = l.append(ctx, e)
	}
	return rec, err
}

func (l *Lease) append(ctx context.Context, e Entry) (Record, error) {
	j := l.j
	body, err := json.Marshal(e.Body)
	if err != nil {
		return Record{}, fmt.Errorf("encode a journal record: %w", err)
	}
	rec := Record{
		Run: l.run, Epoch: l.epoch, Actor: e.Actor, Kind: e.Kind, Step: e.Step,
		Body: body, Blobs: map[string]string{}, Wall: time.Now().UTC(), Tool: j.tool,
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return Record{}, j.refused(fmt.Errorf("write to the journal: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := l.fence(ctx, tx); err != nil {
		return Record{}, err
	}
	for name, value := range e.Seal {
		id, err := j.putBlob(ctx, tx, l.run, value)
		if err != nil {
			return Record{}, j.refused(err)
		}
		rec.Blobs[name] = id
	}
	if err := insert(ctx, tx, &rec); err != nil {
		return Record{}, j.refused(err)
	}
	if err := tx.Commit(); err != nil {
		return Record{}, j.refused(fmt.Errorf("flush the journal: %w", err))
	}
	return rec, nil
}

// Note appends a record that belongs to no run: what a person did outside a
// rotation. It needs no lease, since nothing hangs on its order among others.
func (j *Journal) Note(ctx context.Context, actor, kind string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a journal record: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return fmt.Errorf("write to the journal: %w", j.broken)
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.refused(fmt.Errorf("write to the journal: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	rec := Record{Actor: actor, Kind: kind, Body: b, Blobs: map[string]string{}, Wall: time.Now().UTC(), Tool: j.tool}
	if err := insert(ctx, tx, &rec); err != nil {
		return j.refused(err)
	}
	if err := tx.Commit(); err != nil {
		return j.refused(fmt.Errorf("flush the journal: %w", err))
	}
	return nil
}

func insert(ctx context.Context, tx *sql.Tx, rec *Record) error {
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1`).Scan(&rec.Seq, &rec.Prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the end of the journal: %w", err)
	}
	rec.Seq++
	rec.Hash = rec.Digest()
	blobs, err := json.Marshal(rec.Blobs)
	if err != nil {
		return fmt.Errorf("encode a journal record: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
		rec.Seq, rec.Prev, rec.Run, rec.Epoch, rec.Actor, rec.Kind, rec.Step,
		string(rec.Body), string(blobs), rec.Wall.Format(time.RFC3339Nano), rec.Tool, rec.Hash)
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	return nil
}

const columns = `SELECT seq, prev, run, epoch, actor, kind, step, body, blobs, wall, tool, hash FROM record `

// Records returns a run's records, oldest first; an empty run gives all. Of a damaged
// journal it returns those that can be read: what a record says may then be wrong.
func (j *Journal) Records(ctx context.Context, run string) ([]Record, error) {
	rows, err := j.db.QueryContext(ctx, columns+`WHERE run = ? OR ? = '' ORDER BY seq`, run, run)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer rows.Close()
	var out []Record
	for rows.Next() {
		r, err := scanRecord(rows)
		switch {
		case err == nil:
			out = append(out, r)
		case j.Broken() == nil:
			return nil, err
		}
	}
	if err := rows.Err(); err != nil && (j.Broken() == nil || len(out) == 0) {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return out, nil
}

// Broken says why the journal is only read; nil when it is whole.
func (j *Journal) Broken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}

func scanRecord(rows *sql.Rows) (Record, error) {
	var r Record
	var body, blobs, wall string
	err := rows.Scan(&r.Seq, &r.Prev, &r.Run, &r.Epoch, &r.Actor, &r.Kind, &r.Step, &body, &blobs, &wall, &r.Tool, &r.Hash)
	if err != nil {
		return r, fmt.Errorf("read the journal: %w", err)
	}
	r.Body = json.RawMessage(body)
	// What cannot be understood stays empty: the record's hash tells that it is damaged,
	// and the rest of it can be read.
	if json.Unmarshal([]byte(blobs), &r.Blobs) != nil {
		r.Blobs = nil
	}
	if at, err := time.Parse(time.RFC3339Nano, wall); err == nil {
		r.Wall = at
	}
	return r, nil
}

// Runs returns the ids of all runs, newest first.
func (j *Journal) Runs(ctx context.Context) ([]string, error) {
	return j.runs(ctx, `SELECT run FROM record WHERE run <> '' GROUP BY run ORDER BY MIN(seq) DESC`)
}

func (j *Journal) runs(ctx context.Context, query string) ([]string, error) {
	rows, err := j.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var r string
		if err := rows.Scan(&r); err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil && j.Broken() == nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return out, nil
}

// Verify checks the whole hash chain and names the first record that breaks it.
func (j *Journal) Verify(ctx context.Context) error {
	var ok string
	if err := j.db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&ok); err != nil {
		return fmt.Errorf("%w: check the database: %w", j.reason(err), err)
	}
	if ok != "ok" {
		return fmt.Errorf("%w: sqlite reports %q", ErrCorrupt, ok)
	}
	recs, err := j.Records(ctx, "")
	if err != nil {
		if errors.Is(err, ErrCorrupt) {
			return err
		}
		return fmt.Errorf("%w: %w", j.reason(err), err)
	}
	prev := ""
	for i, r := range recs {
		if r.Seq != int64(i+1) || r.Prev != prev || r.Hash != r.Digest() {
			return fmt.Errorf("%w: record %d does not fit the chain", ErrCorrupt, r.Seq)
		}
		prev = r.Hash
	}
	return j.verifyBlobs(ctx)
}
