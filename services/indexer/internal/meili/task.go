package meili

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

// patience is how long one task is awaited before its messages go back.
const patience = 30 * time.Second

var (
	errExists  = errs.New(errs.Conflict, "the index exists already")
	errMissing = errs.New(errs.Unavailable, "the index is missing")
)

// do sends a task when the one before it has ended, and waits for its end.
func (x *Engine) do(ctx context.Context, what string, send func(context.Context) (*meilisearch.TaskInfo, error)) error {
	done, err := x.take(ctx, what)
	if err != nil {
		return err
	}
	defer done()
	if x.pending >= 0 {
		if _, err := x.await(ctx, "await the task before", x.pending); err != nil {
			return err
		}
	}
	if !bus.Leading(ctx) {
		return errs.New(errs.Unavailable, "%s in Meilisearch: another indexer may be active by now", what)
	}
	info, err := send(ctx)
	if err != nil {
		return explain(what, err)
	}
	task, err := x.await(ctx, what, info.TaskUID)
	if err != nil {
		return err
	}
	return outcome(what, task)
}

// take waits until no task is under way, and keeps others from sending one
// until done is called.
func (x *Engine) take(ctx context.Context, what string) (done func(), err error) {
	select {
	case <-x.turn:
		return func() { x.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, errs.New(errs.Unavailable, "%s in Meilisearch: %w", what, ctx.Err())
	}
}

// Settle waits for the tasks that an indexer before this one left in the queue.
func (x *Engine) Settle(ctx context.Context) error {
	unfinished := []meilisearch.TaskStatus{meilisearch.TaskStatusEnqueued, meilisearch.TaskStatusProcessing}
	for _, q := range []meilisearch.TasksQuery{
		{IndexUIDS: []string{searchdoc.IndexPlugins, searchdoc.Next(searchdoc.IndexPlugins), searchdoc.IndexPacks, searchdoc.Next(searchdoc.IndexPacks)}},
		{Types: []meilisearch.TaskType{meilisearch.TaskTypeIndexSwap}}, // of no index
	} {
		q.Statuses, q.Limit = unfinished, 1 // the newest, behind all others
		tasks, err := x.client.GetTasksWithContext(ctx, &q)
		if err != nil {
			return explain("list tasks", err)
		}
		for _, t := range tasks.Results {
			done, err := x.take(ctx, "await a task of before")
			if err != nil {
				return err
			}
			_, err = x.await(ctx, "await a task of before", t.UID)
			done()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// await waits for a task's end; x.turn is held.
func (x *Engine) await(ctx context.Context, what string, uid int64) (*meilisearch.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x.pending = uid
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		task, err := x.client.GetTaskWithContext(ctx, uid)
		switch {
		case code(err) == "task_not_found": // the engine was replaced by an empty one
			x.pending = -1
			return nil, explain(what, err)
		case err != nil:
			return nil, explain(what, err)
		case task.Status != meilisearch.TaskStatusEnqueued && task.Status != meilisearch.TaskStatusProcessing:
			x.pending = -1
			x.observe(string(task.Type), task.FinishedAt.Sub(task.EnqueuedAt), task.Status == meilisearch.TaskStatusSucceeded)
			return task, nil
		}
		select {
		case <-ctx.Done():
			return nil, errs.New(errs.Unavailable, "%s in Meilisearch: task %d is still %s", what, uid, task.Status)
		case <-time.After(pause):
		}
	}
}

// outcome explains a finished task.
func outcome(what string, task *meilisearch.Task) error {
	kind := errs.Internal
	switch e := task.Error; {
	case task.Status == meilisearch.TaskStatusSucceeded:
		return nil
	case e.Code == "index_already_exists":
		return errExists
	case e.Code == "index_not_found":
		return errMissing
	case task.Status == meilisearch.TaskStatusCanceled, e.Type == "system", e.Type == "auth":
		kind = errs.Unavailable
	case e.Type == "invalid_request":
		kind = errs.Invalid
	}
	return errs.New(kind, "%s in Meilisearch: task %d %s: %s (%s)", what, task.UID, task.Status, task.Error.Message, task.Error.Code)
}

// explain gives a failed request its kind, and a text without the request's
// body, which the library's own has.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*meilisearch.Error](err)
	if !ok || e.StatusCode == 0 {
		if ok && e.OriginError != nil {
			err = e.OriginError
		}
		return errs.New(errs.Unavailable, "%s in Meilisearch: %w", what, err)
	}
	kind := errs.Unavailable
	if e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusRequestEntityTooLarge {
		kind = errs.Invalid
	}
	return errs.New(kind, "%s in Meilisearch: status %d: %s (%s)", what, e.StatusCode, e.MeilisearchApiError.Message, e.MeilisearchApiError.Code)
}

func code(err error) string {
	if e, ok := errors.AsType[*meilisearch.Error](err); ok {
		return e.MeilisearchApiError.Code
	}
	return ""
}
