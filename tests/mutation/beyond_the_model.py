"""The planted faults beyond the model, each below the quick test that notices it."""

from tests.mutation.mutation import Mutation

FAULTS: dict[str, dict[str, list[tuple[str, str, str]]]] = {
    "ledger/reconcile.py": {
        "tests/ledger/test_reconcile.py::test_what_is_left_is_of_the_page_size": [
            ("holders of all page sizes are one pool's", "if holder.page_size_kB == pool.page_size_kB]", "]"),
        ],
        "tests/ledger/test_settle.py::test_what_the_bounds_allow_is_told": [
            (
                "what bounds allow is taken from below",
                "possible = sum(high - holder.reserved.best for (_, high), holder",
                "possible = sum(holder.reserved.best - low for (low, _), holder",
            ),
        ],
        "tests/ledger/test_settle.py::test_as_few_estimates_sink_as_explain_the_count": [
            ("only two holders move together", "_MOST_TRIED = 10", "_MOST_TRIED = 2"),
            ("of equals the one that moves most", "sum(map(bool, shifts))", "-sum(map(bool, shifts))"),
        ],
        "tests/ledger/test_settle.py::test_surplus_pages_are_pages_of_the_pool": [
            (
                "surplus is not in use",
                "in_use = pool.total - pool.free\n    reserved",
                "in_use = pool.total - pool.surp - pool.free\n    reserved",
            ),
        ],
        "tests/ledger/test_reconcile.py::test_the_pool_narrows_what_its_holders_have": [
            ("estimates sink too far", "return abs(rest - sum(shifts))", "return -abs(rest - sum(shifts))"),
        ],
        "tests/ledger/test_reconcile.py::test_a_hole_may_have_taken_what_is_missing": [
            (
                "a hole takes no promise along",
                "reserved=Pages(0, best, high)) if holder.may_have_holes else holder",
                "reserved=Pages(0, best, high)) if False else holder",
            ),
        ],
        "tests/ledger/test_reconcile.py::test_a_partial_view_narrows_from_above_only": [
            (
                "suspects have nothing",
                "all_promises = observation.all_promises_seen and not any(each.promises for each in suspects)",
                "all_promises = observation.all_promises_seen",
            ),
            ("a moving host narrows", "    if not observation.steady:\n        return observation\n", ""),
            (
                "a partial view narrows from below",
                "pool.rsvd if all_promises else None, pool.rsvd)",
                "pool.rsvd, pool.rsvd)",
            ),
        ],
        "tests/ledger/test_reconcile.py::test_the_rest_of_a_cgroup": [
            (
                "who is partly inside counts as inside",
                "for path in {path for cgroup in holder.cgroups for path in levels(cgroup)}:",
                "for path in set.intersection(*map(set, map(levels, holder.cgroups or ['/']))):",
            ),
        ],
        "tests/ledger/test_settle.py::test_an_estimate_with_evidence_of_its_own_stays": [
            ("a firm estimate moves", "if not holder.firm and holder.reserved.best >", "if holder.reserved.best >"),
        ],
        "tests/ledger/test_settle.py::test_a_cgroup_is_charged_for_those_below_it_only": [
            ("a cgroup is above one that begins alike", 'path = path.rpartition("/")[0]', "path = path[:-1]"),
        ],
    },
    "ledger/observation.py": {
        "tests/ledger/test_reconcile.py::test_available_is_what_the_kernel_would_grant": [
            ("overcommit that is used up is available", "max(0, self.overcommit - self.surp)", "self.overcommit"),
            ("a wrapped counter makes pages", "if self.rsvd < 0:", "if False:"),
        ],
    },
    "ledger/lost.py": {
        "tests/ledger/test_lost.py::test_a_page_of_the_file_was_not_taken_from_the_promise": [
            (
                "a file's page counts as consumed",
                "for index, folio in vma.present() if folio.anon)",
                "for index, folio in vma.present())",
            ),
        ],
        "tests/ledger/test_lost.py::test_without_the_part_that_moved_it_is_not_certain": [
            ("every loss is certain", "ranges, here is not None", "ranges, True"),
        ],
        "tests/ledger/test_lost.py::test_copies_and_what_never_was_promised_have_lost_nothing": [
            (
                "a child's copy has lost its pages",
                "    if here is None and (users.owners or any(mm in users.spaces for mm in forebears)):",
                "    if False:",
            ),
            ("without reservation something is lost", "and not vma.noreserve and", "and"),
        ],
        "tests/ledger/test_lost.py::test_pages_that_were_taken_before_are_not_lost": [
            (
                "what was consumed is lost, too",
                "consumed.missing(vma.first_index, vma.end_index)",
                "RegionMap().missing(vma.first_index, vma.end_index)",
            ),
        ],
    },
    "ledger/promise.py": {
        "tests/invariants/test_messages.py::test_a_page_outside_the_map_takes_no_promise_away": [
            (
                "a page outside the map takes a promise away",
                "sum(len(cached_in(first, end)) for first, end in regions)",
                "len(self.inode.page_cache)",
            ),
        ],
        "tests/invariants/test_messages.py::test_what_was_falsified_is_found_and_named": [
            ("a message lists one range", "_RANGES_SHOWN = 6", "_RANGES_SHOWN = 1"),
        ],
    },
    "ledger/census.py": {
        "tests/ledger/test_machine.py::test_a_segment_keeps_its_pages_without_a_process": [
            (
                "a removed segment is a file still",
                "if inode.in_use and inode.hstate in self.hstates:",
                "if not inode.in_use and inode.hstate in self.hstates:",
            ),
        ],
        "tests/ledger/test_machine.py::test_the_pieces_of_a_mapping_are_promised_once": [
            (
                "each piece of a mapping promises it all",
                "if vma.owner and len(pieces) == 1:\n            self._mappings",
                "if vma.owner:\n            self._mappings",
            ),
        ],
        "tests/ledger/test_machine.py::test_a_file_is_known_by_where_it_is": [
            (
                "minimums promise nothing",
                "if mount.subpool is not None:\n                yield",
                "if False:\n                yield",
            ),
        ],
    },
    "ledger/machine.py": {
        "tests/ledger/test_machine.py::test_a_page_of_the_file_is_not_the_private_mapping_s": [
            (
                "a page of the file is a private mapping's",
                "for _, folio in vma.present() if folio.anon)",
                "for _, folio in vma.present())",
            ),
        ],
        "tests/ledger/test_machine.py::test_a_segment_keeps_its_pages_without_a_process": [
            ("a segment is anonymous memory", "if inode.sysv:", "if False:"),
        ],
        "tests/ledger/test_machine.py::test_a_file_is_known_by_where_it_is": [
            ("a mount's file is a memfd", "return Kind.FILE\n", "return Kind.MEMFD\n"),
        ],
    },
    "holders/grouping.py": {
        "tests/holders/test_grouping.py::test_two_are_no_family": [
            ("two make a family", "_FEWEST = 3", "_FEWEST = 2"),
        ],
        "tests/holders/test_grouping.py::test_bounds_of_a_family_are_the_sums_of_its_bounds": [
            ("the upper bound of a sum is its estimate", "total.max + each.max)", "total.max + each.best)"),
        ],
        "tests/holders/test_grouping.py::test_sums_count_what_is_shared_for_each_and_say_so": [
            ("what is shared is not said", "if len(groups) > 1:", "if len(groups) > 2:"),
        ],
    },
    "holders/headroom.py": {
        "tests/holders/test_headroom.py::test_the_limits_of_all_above_hold": [
            (
                "limits of another page size hold",
                "for use in index.get((cgroup.page_size_kB, path), ())]",
                "for (_, at), uses in index.items() if at == path for use in uses]",
            ),
        ],
        "tests/holders/test_headroom.py::test_what_is_promised_to_others_in_it_is_kept": [
            (
                "what others were promised is free to take",
                "max(cgroup.usage_pages, cgroup.rsvd_pages or 0)",
                "cgroup.usage_pages",
            ),
        ],
    },
    "sources/proc/private.py": {
        "tests/sources/test_private.py::test_a_child_with_its_parents_file": [
            (
                "a child's own mapping is a copy",
                "if not any(_is_copy(mapping, each) for each in theirs)]",
                "if not theirs]",
            ),
            (
                "a child owns nothing",
                "        high += promised.max\n",
                "        high += promised.max if not theirs else 0\n",
            ),
        ],
        "tests/sources/test_private.py::test_a_mapping_as_old_as_its_process": [
            ("an orphan may be the owner", "if member[0].descent is not Descent.ORPHANED and (age", "if (age"),
        ],
        "tests/sources/test_private.py::test_an_owner_whose_pages_cannot_be_counted_has_bounds": [
            ("a promise is no less than its estimate", "low += pages - present.max", "low += pages - present.best"),
        ],
        "tests/sources/test_private.py::test_the_owner": [
            (
                "any younger file was inherited",
                "(age is not None and age > CLOCKS_SECONDS)",
                "(age is not None and age > -CLOCKS_SECONDS)",
            ),
            (
                "a child is an owner as well",
                "roots = [member for member in members if not _has_ancestor(member[0].pid, pids, parents)]",
                "roots = list(members)",
            ),
            (
                "a grandparent is no ancestor",
                "    while (pid := parents.get(pid, 0)) and pid not in found:\n",
                "    if (pid := parents.get(pid, 0)):\n",
            ),
            (
                "pages that two share are two",
                "return exactly(len(marks))",
                "return exactly(sum(count.best for count in each))",
            ),
        ],
    },
    "sources/proc/shared.py": {
        "tests/sources/test_shared.py::test_what_a_file_has_reserved": [
            ("nothing is reserved behind the end", "most = max(size, ever)", "most = size"),
            (
                "private use of a file is ignored",
                "likely = ever or (used.best if file.private else most)",
                "likely = ever or most",
            ),
            (
                "what is present is promised, too",
                "max(0, least - used.max), max(0, most - used.min)",
                "max(0, least), max(0, most)",
            ),
            (
                "NORESERVE is not asked",
                "            if mapping.start in record.noreserve:\n",
                "            if False:\n",
            ),
        ],
    },
    "sources/proc/segments.py": {
        "tests/sources/test_readers.py::test_resident_bytes_of_a_segment_are_huge_pages": [
            ("a full segment is none of huge pages", "pages <= size_pages]", "pages < size_pages]"),
        ],
    },
    "sources/proc/sysvipc.py": {
        "tests/sources/test_readers.py::test_a_key_is_an_unsigned_word": [
            ("a negative key stays negative", "key & 0xFFFFFFFF", "key"),
        ],
    },
    "sources/pool_files.py": {
        "tests/sources/test_readers.py::test_pools_have_signed_counters_and_nodes": [
            (
                "a node's surplus is not read",
                'NODE_COUNTERS = ("nr_hugepages", "free_hugepages", "surplus_hugepages")',
                'NODE_COUNTERS = ("nr_hugepages", "free_hugepages", "free_hugepages")',
            ),
            ("a wrapped counter is large", "if number >> (word_bits - 1) else number", "if False else number"),
        ],
        "tests/kernels/test_guest_readings.py::test_a_counter_wraps_at_the_machines_word": [
            (
                "a word has 64 bits",
                "total, free, resv, surplus = numbers",
                "total, free, resv, surplus = numbers; word_bits = 64",
            ),
        ],
    },
    "sources/proc/pools.py": {
        "tests/sources/test_readers.py::test_pools_have_signed_counters_and_nodes": [
            ("nodes are not in order", "return sorted(nodes)", "return nodes[::-1]"),
        ],
    },
    "sources/proc/cgroups.py": {
        "tests/sources/test_readers.py::test_the_controller_may_be_of_either_version": [
            ("version 1 is forgotten", 'for name in ("", "/unified", "/hugetlb")]', 'for name in ("", "/unified")]'),
        ],
        "tests/sources/test_readers.py::test_limits_of_both_versions": [
            ("no limit of version 1 is a large one", "_NO_LIMIT = 1 << 62", "_NO_LIMIT = 1 << 63"),
        ],
        "tests/sources/test_readers.py::test_a_process_is_charged_in_the_hierarchy_of_the_controller": [
            (
                "the first hierarchy is the controller's",
                'paths.get("hugetlb", paths.get(""))',
                'paths.get("", paths.get("hugetlb"))',
            ),
        ],
    },
    "sources/proc/identity.py": {
        "tests/sources/test_readers.py::test_the_kind_of_a_file": [
            ("a mount's file is called a memfd", "    if device in mounted:\n        return Kind.FILE\n", ""),
        ],
        "tests/sources/test_private.py::test_segments_of_two_namespaces_are_two": [
            ("segments of all namespaces are one", 'record.ipc if kind is Kind.SYSV else ""', '""'),
        ],
    },
    "sources/proc/mounts.py": {
        "tests/sources/test_readers.py::test_limits_of_a_mount_are_in_its_pages": [
            (
                "limits are in bytes",
                "return None if limit_bytes is None else limit_bytes // page_bytes",
                "return limit_bytes",
            ),
        ],
    },
    "scenario/decode.py": {
        "tests/scenario/test_json_refusals.py::test_a_counter_is_a_signed_word": [
            ("2^64 is a wrapped 0", "_LIMIT <= value < 2 * _LIMIT", "_LIMIT <= value <= 2 * _LIMIT"),
        ],
    },
    "scenario/scn_format.py": {
        "tests/scenario/test_scn_refusals.py::test_comments_at_the_end_belong_to_the_last_step": [
            (
                "comments at the end replace the note",
                '"\\n".join([last.note, *comments] if last.note is not None else comments)',
                '"\\n".join(comments)',
            ),
        ],
        "tests/scenario/test_scn_refusals.py::test_a_wrong_header_is_named": [
            (
                "a wrong header is the last one",
                "given |= dict.fromkeys(_places(new), (number, header))",
                "given |= dict.fromkeys((*_places(new), *given), (number, header))",
            ),
        ],
    },
    "scenario/scn_operation.py": {
        "tests/scenario/test_scn_refusals.py::test_a_line_has_so_many_pages_in_all": [
            (
                "each word may have a million pages",
                "if not 0 < count <= MOST_TOUCHES - already:",
                "if not 0 < count <= MOST_TOUCHES:",
            ),
        ],
    },
    "search/lockstep.py": {
        "tests/search/test_lockstep.py::test_columns_stay_where_they_were_asked_for": [
            (
                "the columns are exchanged",
                "(late, early) if right_first",
                "(early, late) if right_first",
            ),
        ],
        "tests/search/test_lockstep.py::test_a_leak_is_a_difference": [
            ("the end is not compared", "return left_over(left) != left_over(right)", "return False"),
        ],
        "tests/search/test_lockstep.py::test_a_call_that_the_model_says_hangs_is_not_tried_on_a_real_kernel": [
            ("a hang is tried on a real kernel", "(left.real or right.real) and not step.hangs:", "False:"),
        ],
        "tests/search/test_lockstep.py::test_a_call_that_may_hang_is_tried_and_watched": [
            (
                "a step that may hang is not tried",
                "(left.real or right.real) and not step.hangs:",
                "(left.real or right.real):",
            ),
        ],
    },
    "search/fuzz/shrink.py": {
        "tests/search/test_shrink.py::test_a_number_becomes_the_smallest_that_will_do": [
            ("numbers end at 1", "for smaller in range(min(value, 8)):", "for smaller in range(1, min(value, 8)):"),
        ],
        "tests/search/test_shrink.py::test_what_is_optional_is_left_out": [
            ("overcommit stays", "if scenario.pool.nr_overcommit is not None:", "if False:"),
            ("cgroups stay", "if scenario.cgroups is not None:", "if False:"),
        ],
        "tests/search/test_shrink.py::test_no_single_step_could_be_left_out": [
            ("single steps stay", "        length //= 2\n", "        length = length // 2 if length > 3 else 0\n"),
        ],
        "tests/search/test_shrink.py::test_a_number_that_matters_stays": [
            (
                "a number that matters is made smaller",
                "            if shows(replace(scenario, steps=steps)):\n",
                "            if True:\n",
            ),
        ],
    },
    "invariants/ending.py": {
        "tests/invariants/test_messages.py::test_the_end_finds_a_page_that_is_lost_to_the_pool": [
            (
                "the end looks at free pages only",
                "if h.nr_huge_pages or h.free_huge_pages or h.surplus_huge_pages:",
                "if h.free_huge_pages:",
            ),
        ],
        "tests/invariants/test_messages.py::test_the_end_is_checked_for_everything_that_may_be_left": [
            (
                "cgroups at the end have both counters",
                "if counters.usage or counters.rsvd:",
                "if counters.usage and counters.rsvd:",
            ),
        ],
    },
    "invariants/steps.py": {
        "tests/invariants/test_messages.py::test_an_operation_that_may_change_counters_is_not": [
            (
                "mremap onto a mapping changes nothing",
                "return operation.over is None and same_length",
                "return same_length",
            ),
        ],
        "tests/invariants/test_messages.py::test_surplus_grows_only_up_to_the_overcommit_limit": [
            (
                "a surplus page too many",
                "if after.surp <= max(before.surp, after.overcommit):",
                "if after.surp <= max(before.surp + 1, after.overcommit):",
            ),
        ],
    },
    "invariants/references.py": {
        "tests/invariants/test_messages.py::test_what_was_falsified_is_found_and_named": [
            ("too few references are enough", "if resv_map.refs != len(vmas):", "if resv_map.refs > len(vmas):"),
        ],
    },
    "invariants/subpools.py": {
        "tests/invariants/test_messages.py::test_what_was_falsified_is_found_and_named": [
            (
                "a minimum may lack a page",
                "if pages + promised + rsv < minimum:",
                "if pages + promised + rsv < minimum - 1:",
            ),
        ],
    },
    "play/play.py": {
        "tests/play/test_play.py::test_a_step_may_expect_something_of_one_kernel_only": [
            (
                "expectations of kernels are ignored",
                "    if step.expect is None and step.expect_on is None:\n",
                "    if step.expect is None:\n",
            ),
        ],
        "tests/play/test_play.py::test_a_call_that_hangs_is_a_violation": [
            ("a hang is no violation", "[RETURNS, *violations] if hangs else violations)", "violations)"),
        ],
    },
    "reports/strip.py": {
        "tests/reports/test_strip.py::test_few_columns_go_where_most_is_seen": [
            (
                "what just fits is too wide",
                "        if width > room:\n            pieces[at] = counted",
                "        if width >= room:\n            pieces[at] = counted",
            ),
        ],
    },
    "kernels/guest/readings.py": {
        "tests/kernels/test_guest_readings.py::test_files_that_were_read_last_are_not_named_again": [
            (
                "names of files are left out",
                "named = () if paths == self._read else paths",
                "named = () if self._read else paths",
            ),
        ],
        "tests/kernels/test_guest_readings.py::test_a_pool_of_another_size_is_refused": [
            ("a pool may be smaller", "if found.total != wanted or", "if found.total > wanted or"),
        ],
    },
    "kernels/guest/apt.py": {
        "tests/kernels/test_guest_fetch.py::test_packages_are_signed_with_debians_key": [
            ("signatures are not checked", "[signed-by={_KEYRING}]", "[trusted=yes]"),
        ],
    },
    "kernels/guest/fetch.py": {
        "tests/kernels/test_guest_fetch.py::test_a_fetch_holds_its_directory_against_another": [
            ("two fetches share a directory", "fcntl.LOCK_EX | (0 if wait", "fcntl.LOCK_SH | (0 if wait"),
        ],
    },
    "kernels/host/lock.py": {
        "tests/kernels/test_host_lock.py::test_what_is_another_users_is_refused": [
            ("another user's file is accepted", "or status.st_uid != os.geteuid() or", "or"),
            ("another user's directory is accepted", "status.st_uid not in {0, os.geteuid()} or", ""),
        ],
        "tests/kernels/test_host_lock.py::test_a_second_name_of_a_file_is_refused": [
            ("another name of a file is accepted", " or status.st_nlink != 1", ""),
        ],
        "tests/kernels/test_host_lock.py::test_a_symbolic_link_is_refused": [
            ("a link is followed", "os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW |", "os.O_RDWR | os.O_CREAT |"),
        ],
        "tests/kernels/test_host_lock.py::test_a_file_with_other_content_is_left_as_it_is": [
            ("any content is emptied", "        if not _is_empty_or_ours(descriptor):", "        if False:"),
            (
                "content is looked at as far as its first line",
                'content.find(b"\\n") == len(content) - 1',
                'b"\\n" in content',
            ),
        ],
        "tests/kernels/test_host_lock.py::test_a_directory_of_everybody_is_refused": [
            ("a directory of everybody is accepted", " or status.st_mode & _OTHERS_MAY_WRITE", ""),
        ],
        "tests/kernels/test_host_lock.py::test_it_is_private_and_free_afterwards": [
            ("two hold the lock", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB"),
            (
                "a holder's name is left behind",
                "        finally:\n            os.ftruncate(descriptor, 0)",
                "        finally:\n            pass",
            ),
        ],
        "tests/kernels/test_host_lock.py::test_who_waits_is_next": [
            ("who has waited goes on without it", "while not _taken(descriptor):", "if not _taken(descriptor):"),
        ],
    },
    "ledger/intervals.py": {
        "tests/ledger/test_reconcile.py::test_tightening_keeps_every_solution_and_touches_the_outermost": [
            (
                "a sum tightens with its own part",
                "total.low - most + high",
                "total.low - most",
            ),
            ("a contradiction is not noticed", "self._least[index] <= high)", "self._least[index] <= high + 1)"),
        ],
        "tests/ledger/test_reconcile.py::test_a_mount_with_a_size_narrows_its_files": [
            (
                "what moved is not looked at again",
                "waiting.update(self._users[place])",
                "waiting.update(())",
            ),
        ],
        "tests/ledger/test_reconcile.py::test_a_sum_that_is_left_out_leaves_no_trace": [
            (
                "a sum forgets how wide its numbers are again",
                "self._widest[user] = max(self._widest[user], new_high - new_low)",
                "pass",
            ),
            ("what a contradiction moved stays", "self._set(place, bounds)\n        for", "pass\n        for"),
        ],
    },
    "reports/gauges.py": {
        "tests/reports/test_prometheus.py::test_a_label_has_a_longest_length": [
            (
                "a label is as long as it likes",
                "if len(text) > _LONGEST_LABEL else",
                "if len(text) > 10 * _LONGEST_LABEL else",
            ),
        ],
    },
    "fitting/affine.py": {
        "tests/fitting/test_touching.py::test_a_comparison_holds_through_its_horizon": [
            ("a comparison holds a step too long", "(abs(gap) - 1) // abs(approach)", "abs(gap) // abs(approach)"),
        ],
        "tests/fitting/test_touching.py::test_arithmetic_is_that_of_every_step": [
            ("a wrap is overlooked", "        self._sign(below + modulus)\n", ""),
        ],
    },
    "fitting/trial.py": {
        "tests/fitting/test_forecast.py::test_bound_after_mmap_the_pages_fail_and_not_the_call": [
            (
                "a call before mbind is bound",
                "task.policy = situation.policy",
                "task.policy = situation.bound_after or situation.policy",
            ),
            ("pages out of reach are free", "vma.policy = policy", "pass"),
        ],
        "tests/fitting/test_trees.py::test_the_limits_of_segments": [
            ("a limit is met one early", "number + 1) > limit.value", "number + 1) >= limit.value"),
        ],
        "tests/fitting/test_trees.py::test_memory_max_counts_where_huge_pages_are_charged_to_it": [
            ("memory.max has room for a page more", "if self.memory_room <= 0:", "if self.memory_room < 0:"),
            ("every kernel kills", "hstate.refused_charge and situation", "False and situation"),
        ],
        "tests/fitting/test_limits.py::test_limits_above_hold_too": [
            ("only the cgroup itself has limits", "cgroup = HugetlbCgroup(cgroup,", "cgroup = HugetlbCgroup(None,"),
        ],
        "tests/fitting/test_forecast.py::test_mappings_are_made_one_after_the_other": [
            (
                "every mapping is at one address",
                "        address += pages * situation.page_bytes\n",
                "        address += 0\n",
            ),
        ],
        "tests/fitting/test_limits.py::test_what_memory_max_leaves_is_a_limit": [
            ("memory.max is not asked", "            if self.memory_room <= 0:\n", "            if False:\n"),
        ],
    },
    "fitting/forecast.py": {
        "tests/fitting/test_forecast.py::test_a_yes_says_what_it_takes_from_others": [
            ("pages in use are promised", "max(0, use.rsvd_pages - use.usage_pages)", "use.rsvd_pages"),
            ("what was lost before is a cost", "if lost > max(0, use.usage_pages + promised - limit):", "if True:"),
            (
                "others are not asked",
                'yield (\n                f"cgroup',
                'return\n            yield (\n                f"cgroup',
            ),
        ],
        "tests/fitting/test_forecast.py::test_a_pool_cannot_outgrow_the_memory": [
            (
                "memory is never too small",
                "return self.changed.fits and not self.beyond_memory",
                "return self.changed.fits",
            ),
            (
                "a pool may outgrow memory",
                "return room is not None and self.grow > room\n\n    @property\n    def possible",
                "return False\n\n    @property\n    def possible",
            ),
        ],
        "tests/fitting/test_forecast.py::test_the_remedies_suffice_and_are_the_smallest": [
            (
                "the first change is the answer",
                "        trial = attempt(changed)\n    return",
                "        trial = first\n        break\n    return",
            ),
        ],
    },
    "fitting/sysv.py": {
        "tests/fitting/test_trees.py::test_a_segment_counts_the_size_that_was_asked_for": [
            ("segments count in whole pages", ", as_asked=True", ""),
        ],
        "tests/fitting/test_trees.py::test_a_segment_below_the_limit_of_locked_memory": [
            ("every kernel honours RLIMIT_MEMLOCK", "if not _honours_memlock(release):", "if False:"),
        ],
    },
    "fitting/rlimit.py": {
        "tests/fitting/test_trees.py::test_resource_limits": [
            ("RLIMIT_DATA stops shared mappings", " and what is What.PRIVATE", ""),
        ],
    },
    "sources/proc/rlimits.py": {
        "tests/fitting/test_trees.py::test_resource_limits": [
            ("what a process has already is not counted", "_MOST_KB) << 10", "_MOST_KB) << 0"),
        ],
    },
    "model/release.py": {
        "tests/model/test_release.py::test_the_closest": [
            ("a series has no order", "point.series == found.series", "point.major == found.major"),
            (
                "a later series has the fixes",
                "next(point for point in _POINTS if point.series",
                "next(point for point in reversed(_POINTS) if point.series",
            ),
        ],
        "tests/model/test_release.py::test_a_release_has_three_numbers": [
            ("a build is a stable release", "if not _BUILD_OF_A_DISTRIBUTION.match(text):", "if True:"),
        ],
    },
    "fitting/limits.py": {
        "tests/fitting/test_limits.py::test_surplus_pages_become_persistent_before_the_pool_grows": [
            (
                "surplus stands in nobody's way",
                "return situation.request.total + pool.surp + abs",
                "return situation.request.total + abs",
            ),
        ],
        "tests/fitting/test_limits.py::test_a_page_without_a_reservation_is_charged_as_reserved_first": [
            (
                "usage is asked before reservations",
                "CgroupLimit(level, rsvd=True) for level in levels]\n    limits += [CgroupLimit(level, rsvd=False)",
                "CgroupLimit(level, rsvd=False) for level in levels]\n    limits += [CgroupLimit(level, rsvd=True)",
            ),
        ],
        "tests/fitting/test_limits.py::test_limits_above_hold_too": [
            (
                "what a cgroup was charged is forgotten",
                "return situation.request.total + self.counted(situation)",
                "return situation.request.total",
            ),
        ],
    },
    "fitting/remedy.py": {
        "tests/fitting/test_limits.py::test_memory_has_room_for_what_is_not_surplus_yet": [
            (
                "surplus that exists is room",
                "max(0, situation.most_surplus - pool.surp)",
                "max(0, situation.most_surplus)",
            ),
        ],
        "tests/fitting/test_limits.py::test_another_mount_needs_room_for_what_is_asked_only": [
            (
                "a new mount is as large as the old one's files",
                "(need - room.used_pages) * situation.page_bytes",
                "need * situation.page_bytes",
            ),
        ],
        "tests/fitting/test_limits.py::test_the_number_to_write_is_of_persistent_pages": [
            ("the pool grows from its whole", "have = situation.persistent\n", "have = pool.total\n"),
        ],
    },
    "fitting/situation.py": {
        "tests/fitting/test_limits.py::test_surplus_is_what_overcommit_allows_and_memory_can_give": [
            (
                "memory is not asked for surplus",
                "return min(self.pool.overcommit, self.pool.surp + self.memory_pages)",
                "return self.pool.overcommit",
            ),
        ],
        "tests/fitting/test_limits.py::test_surplus_pages_become_persistent_before_the_pool_grows": [
            ("surplus pages are persistent", "return self.pool.total - self.pool.surp", "return self.pool.total"),
        ],
    },
    "fitting/nodes.py": {
        "tests/fitting/test_trees.py::test_nodes": [
            ("the cpuset is not asked", "nodes if task.cpuset is None else nodes & task.cpuset", "nodes"),
            ("the policy is not asked", "asked or own", "asked"),
        ],
        "tests/fitting/test_trees.py::test_a_task_that_may_use_some_nodes_grows_the_one_with_memory": [
            ("the node with least memory grows", "best = max(allowed", "best = min(allowed"),
        ],
    },
    "holders/warning.py": {
        "tests/holders/test_status.py::test_what_is_wrong_is_said": [
            (
                "a leak is no error",
                '        " ".join([text, *verdict.explanations]),\n        wrong=True,',
                '        " ".join([text, *verdict.explanations]),\n        wrong=False,',
            ),
            ("a negative counter is not seen", "    if pool.rsvd < 0:\n        yield", "    if False:\n        yield"),
            (
                "what is missing is leaked",
                '    elif pages > 0:\n        yield _lost("rsvd-leaked"',
                '    elif pages:\n        yield _lost("rsvd-leaked"',
            ),
        ],
    },
    "holders/room.py": {
        "tests/holders/test_numbers.py::test_surplus_pages_become_persistent_by_writing_the_total": [
            ("surplus is counted twice", "command=grow(pool, 0)", "command=grow(pool, pool.surp)"),
        ],
        "tests/holders/test_numbers.py::test_overcommit_helps_until_it_is_used_up": [
            (
                "overcommit that is used up gives hope",
                "surplus = max(0, pool.overcommit - pool.surp)",
                "surplus = pool.overcommit",
            ),
        ],
        "tests/holders/test_numbers.py::test_a_pool_with_a_page_left_is_not_full": [
            (
                "a pool with a page left is full",
                "if not pool.total or pool.rsvd < pool.free:",
                "if not pool.total or pool.rsvd < pool.free - 1:",
            ),
        ],
        "tests/holders/test_room.py::test_files_of_a_family_are_one_warning": [
            (
                "a file that is used is left behind",
                "if not each.processes and _may_be_left(each)",
                "if _may_be_left(each)",
            ),
        ],
        "tests/holders/test_room.py::test_what_may_be_in_use_is_not_to_be_removed": [
            (
                "a segment that may have nothing is left behind",
                "bool(holder.used.min + holder.reserved.min)",
                "bool(holder.used.max + holder.reserved.max)",
            ),
            (
                "unseen users make nobody careful",
                "yield from left if observation.all_users_seen else map(_doubted, left)",
                "yield from left",
            ),
        ],
        "tests/holders/test_room.py::test_the_command_removes_those_files_and_no_others": [
            (
                "files in use are removed with the others",
                "if any(others.fullmatch(name) for name in used):",
                "if False:",
            ),
        ],
    },
    "kernels/host/pool.py": {
        "tests/kernels/test_host_pool.py::test_size_and_overcommit_come_back": [
            (
                "overcommit does not come back",
                "self.set_nr_overcommit(saved.nr_overcommit)",
                "self.set_nr_overcommit(0)",
            ),
            (
                "the size does not come back",
                "_write_path(path, str(pages))",
                "_write_path(path, str(0))",
            ),
        ],
        "tests/kernels/test_host_pool.py::test_a_pool_in_use_is_not_lent": [
            ("a pool with promises is lent", "free and not resv and not surplus", "free and not surplus"),
            (
                "a pool with pages in use is lent",
                "total == free and not resv and not surplus",
                "not resv and not surplus",
            ),
        ],
        "tests/kernels/test_host_pool.py::test_reservations_of_nobody_are_a_leak": [
            ("promises of somebody are a leak", "return total == free and resv != 0", "return resv != 0"),
        ],
        "tests/kernels/test_host_pool.py::test_lost_pages_are_left_out": [
            (
                "lost pages are written twice",
                "text = str(pages + self._lost)",
                "text = str(pages + 2 * self._lost)",
            ),
            (
                "lost pages are lost to the pool",
                'or {f"{self._path}/nr_hugepages": total + self._lost}',
                'or {f"{self._path}/nr_hugepages": total}',
            ),
        ],
        "tests/kernels/test_host_pool.py::test_a_pool_that_cannot_grow_is_refused": [
            ("a smaller pool will do", "if (total, free, resv, surplus) != (nr, nr, 0, 0):", "if False:"),
        ],
    },
}
"""File -> test that notices -> name, what stands there, and what is planted in its place."""

MUTATIONS = [
    Mutation(file, *fault, test)
    for file, by_test in FAULTS.items()
    for test, faults in by_test.items()
    for fault in faults
]
