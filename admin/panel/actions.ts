/** Something that was asked for by a button: one at a time, and what went wrong is shown beside it. */

import { computed, ref, shallowRef } from 'vue';
import type { ComputedRef, Ref, ShallowRef } from 'vue';

import { ApiError, isSignedOut } from './api.js';
import type { Following } from './jobs.js';

export interface Trouble {
  readonly title: string;
  readonly error: unknown;
}

export interface Actions {
  readonly isActing: Ref<boolean>;
  /** From the press of a button until the job is over. */
  readonly isCancelling: ComputedRef<boolean>;
  readonly problem: ShallowRef<Trouble | undefined>;
  act(title: string, action: () => Promise<void>, kind?: 'cancel'): Promise<void>;
}

export function useActions(jobs: Following, onSignedOut: () => void): Actions {
  const isActing = ref(false);
  const cancelled = ref<string>();
  const isCancelling = computed(
    () => cancelled.value !== undefined && cancelled.value === jobs.running.value?.job_id,
  );
  const problem = shallowRef<Trouble>();

  return {
    isActing,
    isCancelling,
    problem,
    async act(title, action, kind) {
      if (isActing.value) return;
      problem.value = undefined;
      isActing.value = kind === undefined;
      cancelled.value = kind === 'cancel' ? jobs.running.value?.job_id : undefined;
      try {
        await action();
      } catch (error) {
        cancelled.value = undefined;
        if (isSignedOut(error)) onSignedOut();
        // What is in the way is shown: the panel follows it now.
        else if (!(error instanceof ApiError && error.code === 'JOB_RUNNING' && jobs.running.value))
          problem.value = { title, error };
      } finally {
        isActing.value = false;
      }
    },
  };
}
