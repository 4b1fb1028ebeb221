"""The planted faults in the model: what a slip of the hand would look like, each of which a test must notice."""

from tests.mutation.mutation import Mutation

FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "reserve.py": [
        ("open takes no reference", "resv_map.refs += 1", "resv_map.refs += 0"),
        ("close drops no reference", "resv_map.refs -= 1", "resv_map.refs -= 0"),
        ("close counts from the wrong offset", "resv_map.count(first, end)", "resv_map.count(0, end - first)"),
        ("close credits what was consumed", "(end - first) - resv_map.count(first, end)", "end - first"),
        (
            "close uncharges what was unused",
            "uncharge_rsvd(inode.hstate, end - first)",
            "uncharge_rsvd(inode.hstate, unused)",
        ),
        ("close forgets the mount", "close_keeps_quota else inode.subpool", "close_keeps_quota else None"),
        ("a shared mapping reserves its whole length", "inode.resv_map.chg(first, end)", "end - first"),
        (
            "a refused mapping stays charged",
            "    if cgroup is not None:\n        cgroup.uncharge_rsvd(inode.hstate, pages)\n    return",
            "    return",
        ),
        ("who maps is no owner", "vma.owner = True", "vma.owner = False"),
        ("the count before the patch starts at 0", "vma.resv_count = pages", "vma.resv_count = 0"),
        ("freed pages are unreserved too", "promised - freed", "promised"),
        ("the refused part stays used", "subpool.unuse(global_part)", "subpool.unuse(0)"),
        ("a refusal gives everything back", "subpool, pages - global_part, early", "subpool, pages, early"),
        ("an unmounted minimum is kept", "acct_memory(-subpool.release())", "acct_memory(0)"),
    ],
    "hstate.py": [
        ("acct makes one test only", "if delta > self._free_on(allowed):", "if False:"),
        (
            "what is reserved is not missing",
            "        needed = self.resv_huge_pages + delta - self.free_huge_pages\n        fresh",
            "        needed = delta - self.free_huge_pages\n        fresh",
        ),
        ("one surplus page too few for promises", "pages > self.nr_overcommit", "pages >= self.nr_overcommit"),
        (
            "one surplus page too many",
            "self.surplus_huge_pages + pages > self.nr_overcommit_huge_pages:",
            "self.surplus_huge_pages + pages > self.nr_overcommit_huge_pages + 1:",
        ),
        ("unused surplus pages stay", "pages = min(unused, self.surplus_huge_pages)", "pages = 0"),
        (
            "surplus pages in use are given back",
            "min(node.free_huge_pages, node.surplus_huge_pages)",
            "node.surplus_huge_pages",
        ),
        ("promised pages are anybody's", "self.free_huge_pages != self.resv_huge_pages", "True"),
        ("available is compared signed", "self.free_huge_pages != self.resv", "self.free_huge_pages > self.resv"),
        ("a freed surplus page stays", "if node.surplus_huge_pages > 0 and not stays:", "if False:"),
        ("a promised page leaves", "if node.surplus_huge_pages > 0 and not stays:", "if node.surplus_huge_pages > 0:"),
    ],
    "resize.py": [
        ("growth adopts no surplus", "        _adopt_surplus(hstate, count, nodes)\n", ""),
        ("the floor is compared signed", "max(count, unsigned(", "max(count, ("),
        (
            "a shrink frees what is promised",
            "hstate.resv_huge_pages + hstate.nr_huge_pages - hstate.free_huge_pages",
            "hstate.nr_huge_pages - hstate.free_huge_pages",
        ),
        ("what stays is no surplus", "        _book_surplus(hstate, count, nodes)\n", ""),
        (
            "a shrink takes surplus",
            "return min(node.free_huge_pages, node.nr_huge_pages - node.surplus_huge_pages)",
            "return node.free_huge_pages",
        ),
        (
            "growth adopts at the wrong cursor",
            "nid = hstate.to_alloc.find(nodes, lambda nid: surplus(nid) > 0)",
            "nid = hstate.to_free.find(nodes, lambda nid: surplus(nid) > 0)",
        ),
    ],
    "mempolicy.py": [
        (
            "who falls back stays on its node",
            "return _only(nodes, policy.nodes) if policy is not None",
            "return nodes if True",
        ),
        ("a cpuset is not asked", "if nid in mems)", "if True)"),
        (
            "PREFERRED_MANY takes its nodes by number",
            "(*_only(nearest[here], policy.nodes), *nearest[here])",
            "(*policy.nodes, *nearest[here])",
        ),
        (
            "6.1 gathers outside the cpuset",
            "return _only(machine.nearest[task.node], mems_allowed(machine, task.cgroup))",
            "return machine.nearest[task.node]",
        ),
        (
            "a cpuset goes beyond its parent's",
            "return _only(above, cgroup.mems) or above",
            "return cgroup.mems or above",
        ),
        (
            "LOCAL writes for all nodes",
            'return (task.node,) if task.policy.mode == "local" else task.policy.nodes',
            'return machine.nodes if task.policy.mode == "local" else task.policy.nodes',
        ),
    ],
    "mbind.py": [
        (
            "a refused policy is set",
            "if isinstance(policy, Outcome):\n        return policy\n    task.policy",
            "task.policy",
        ),
        ("a policy that is there already cuts", "if _says(vma.policy) == _says(policy):", "if False:"),
        ("PREFERRED keeps all its nodes", 'there[:1] if mode == "preferred" else there', "there"),
        ("MOVE takes what others map", "(move and not is_shared(folio))", "move"),
    ],
    "migrate.py": [
        ("a page that moves leaves its place taken", "hstate.put_page(old,", "hstate.put_page(nid,"),
        (
            "the pool does not move along",
            "hstate.add_temporary(nid, persistent=machine.behaviour.moving_page_is_persistent)",
            "pass",
        ),
        ("a page that others map moves", "return folio.mapcount > 1", "return False"),
        ("a page that its mount counts moves", "if folio.anon and folio.subpool is not None:", "if False:"),
        (
            "a cgroup counts a page on the wrong node",
            "folio.cgroup.count_on(hstate, nid, 1)",
            "folio.cgroup.count_on(hstate, old, 1)",
        ),
        ("the nodes beyond go to the last", "new[old.index(nid) % len(new)]", "new[min(old.index(nid), len(new) - 1)]"),
        ("a move outside the cpuset", "if node not in mems_allowed(machine, task.cgroup):", "if False:"),
    ],
    "cpuset.py": [
        ("a policy stays behind", "    task.policy = _rebound(machine.behaviour, task.policy, new)\n", ""),
        (
            "children may have other nodes",
            "if not all(set(child.mems) <= set(mems) for child in children):",
            "if False:",
        ),
        (
            "members of children do not count",
            "any(_is_in(task.cgroup, cgroup) for task in before)",
            "any(task.cgroup is cgroup for task in before)",
        ),
        (
            "preferred nodes are replaced",
            'if behaviour.preferred_follows_cpuset or policy.mode not in ("preferred", "preferred_many"):',
            "if True:",
        ),
        (
            "mappings keep their policy",
            "            vma.policy = _rebound(machine.behaviour, vma.policy, new)",
            "            pass",
        ),
    ],
    "demote.py": [
        ("a larger page stays as well", "hstate.count(nid, nr=-pages, free=-pages)", "pass"),
    ],
    "allocate.py": [
        (
            "a private map means what a shared one does",
            "return index in vma.resv_map",
            "return index not in vma.resv_map",
        ),
        ("a shared map means what a private one does", "return index not in vma.inode", "return index in vma.inode"),
        ("a child has a reserve", "if not vma.owner:\n        return True", "if not vma.owner:\n        return False"),
        ("a consumed page is not noted", "vma.resv_map.regions.add(index, index + 1)", "pass"),
        ("a cached page is not noted", "vma.inode.resv_map.regions.add(index, index + 1)", "pass"),
        ("an owner's copy asks its map", "unreserved = needs or cow_from_owner", "unreserved = needs"),
        (
            "the mount is asked for what is promised",
            "return needs or (cow_from_owner and not",
            "return True or (cow_from_owner and not",
        ),
        ("a fault consumes nothing", "consumes=consumes,", "consumes=False,"),
        ("a refused page stays charged", "cgroup.uncharge_usage(hstate, 1)", "cgroup.uncharge_usage(hstate, 0)"),
        (
            "a refused page's reservation stays charged",
            "        _uncharge(hstate, cgroup, cgroup_rsvd)\n",
            "        _uncharge(hstate, cgroup, None)\n",
        ),
        ("a refused charge leaves its first half", "        _uncharge(hstate, None, cgroup_rsvd)\n", ""),
        (
            "a reserved page pays twice",
            "cgroup_rsvd = task.cgroup if unreserved and",
            "cgroup_rsvd = task.cgroup if True or",
        ),
        ("a race is counted twice", "return not machine.behaviour.races_counted_twice and", "return False and"),
        (
            "an unlocked count loses nothing",
            "if behaviour.fresh_promise_unlocked and consumes and not used:",
            "if False:",
        ),
        ("to 6.14 a child consumes", "return backed and (vma.shared or vma.owner)", "return backed"),
        (
            "to 6.14 a failed fault undoes nothing",
            "subpool_put(hstate, subpool, 1, early=True)\n    elif",
            "pass\n    elif",
        ),
        ("6.15 undoes what it should not", "elif global_charge == 0:", "else:"),
    ],
    "fault.py": [
        ("a stolen-from mapping goes on", "if vma.unmapped or (", "if ("),
        (
            "a private read maps no cached page",
            "        _map_cached(vma, number, folio)\n    if write",
            "    if write",
        ),
        ("a cached page is written in place", "if old.anon and old.mapcount == 1:", "if old.mapcount == 1:"),
        (
            "an owner copies a cached page for free",
            "cow_from_owner = vma.owner and old.anon",
            "cow_from_owner = vma.owner",
        ),
        ("a child steals", "if not cow_from_owner or not", "if not"),
        ("an endless fault ends", "else Outcome.HANG", "else Outcome.OK"),
        (
            "a shared page beyond the end",
            'within the file\'s size."""\n    if index >= inode.i_size:',
            'within the file\'s size."""\n    if False:',
        ),
        (
            "5.10 finds a page beyond the end",
            "if machine.behaviour.end_checked_first and index >= inode.i_size:",
            "if False:",
        ),
        ("a read needs no rights", 'vma.prot == "none" or', "False or"),
    ],
    "i_mmap.py": [
        ("a mapping that begins before is overlooked", "(first - (1 << bits) + 2, 0)", "(first, 0)"),
        ("what is gone is looked for", "            self._spans.remove(_span(vma))\n", "            pass\n"),
    ],
    "steal.py": [
        ("the mark is forgotten", "vma.unmapped = True", "pass"),
        (
            "a steal changes a counter",
            "vma.unmapped = True",
            "vma.unmapped = True; folio.hstate.resv_huge_pages -= 1",
        ),
        ("an owner is stolen from", "if vma is owner or vma.owner:", "if vma is owner:"),
        ("an owner never misses a newcomer", "if machine.behaviour.steal_walks_unlocked:", "if False:"),
        ("a steal looks at the owner's address", "if machine.behaviour.steal_at_owner_address else", "if True else"),
        (
            "a steal takes what is not shared",
            "clear(there >> vma.page_shift, folio)",
            "clear(there >> vma.page_shift)",
        ),
    ],
    "fork.py": [
        ("a child is an owner", "copy.clear_private_data()", "copy.unmapped = False"),
        ("a child is marked", "copy.clear_private_data()", "copy.resv_map, copy.owner = None, False"),
        ("everything is forked", "if not vma.dontfork:", "if True:"),
        ("a child maps what it has not touched", "if not (vma.anon_vma or ", "if False and not ("),
        (
            "a child has its own limits",
            "Process(mm, parent.cgroup, parent.node, parent.memlock_bytes)",
            "Process(mm, parent.cgroup, parent.node)",
        ),
        ("a child's mapping comes last", "vma.inode.attach(copy, after=vma)", "vma.inode.attach(copy)"),
    ],
    "zap.py": [
        ("surplus does not block a restore", "and _has_surplus(machine.behaviour, folio.hstate)", "and False"),
        ("a shared page is restored", "or is_last", "or True"),
        ("a child restores", "or vma.resv_map is None:", "or False:"),
        ("a restored page stays consumed", "vma.resv_map.delete(index)", "pass"),
        ("a restored page is no promise", "folio.restore_reserve = allocated or", "folio.restore_reserve = False and"),
        (
            "the wrong page is restored",
            "vma.resv_map.delete(index)",
            "vma.resv_map.delete(vma.vm_pgoff)",
        ),
        ("each page is freed at once", "freed.append(folio)", "free_huge_folio(machine, folio)"),
        (
            "an unmapped page is not freed",
            "if folio.anon and is_last:",
            "if folio.anon and not is_last:",
        ),
        ("cached pages are freed with a mapping", "if folio.anon and is_last:", "if is_last:"),
    ],
    "free.py": [
        ("a promise is not counted", "nid, promised=promised, stays", "nid, promised=False, stays"),
        (
            "a restored page is put back as well",
            "folio.restore_reserve or subpool_put(hstate, subpool, 1) == 0",
            "subpool_put(hstate, subpool, 1) == 0 or folio.restore_reserve",
        ),
        ("a mount does not get its page back", "else folio.subpool", "else None"),
        ("a freed page stays in use", "folio.cgroup.uncharge_usage(hstate, 1)", "pass"),
        ("a freed page stays reserved", "folio.cgroup_rsvd.uncharge_rsvd(hstate, 1)", "pass"),
    ],
    "truncate.py": [
        ("truncation spares private pages", "    unmap_file_range(machine, inode, pages, HIGHEST)\n", ""),
        ("truncation keeps the size", "inode.i_size = pages", "pass"),
        ("a hole keeps its promise", "                unreserve_hole(machine, inode, index, folio)\n", ""),
        (
            "a hole takes promises without a page",
            "    for index in inode.cached_in(first, end):\n",
            "    unreserve_pages(machine, inode, first, end, 0)\n    for index in inode.cached_in(first, end):\n",
        ),
        ("a hole is seen in the cache only", "    unmap_file_range(machine, inode, first, end)\n", ""),
        ("a file goes while it is used", "if not inode.in_use:", "if True:"),
        (
            "a file keeps its pages",
            "    _unmap_page(inode, index, folio)\n    free_huge_folio(machine, folio)\n",
            "    _unmap_page(inode, index, folio)\n",
        ),
        (
            "a file's end is a whole page off",
            "cache_end, first)\n        unreserve_pages(machine, inode, first, HIGHEST",
            "cache_end, first)\n        unreserve_pages(machine, inode, first + 1, HIGHEST",
        ),
    ],
    "subpool.py": [
        ("the maximum is never reached", "self.used_hpages + delta > self.max", "self.used_hpages + delta >= self.max"),
        ("the minimum refills one page late", "used >= self.min_hpages", "used > self.min_hpages"),
        (
            "the minimum covers nothing",
            "covered = min(delta, self.rsv_hpages)",
            "covered = 0 * min(delta, self.rsv_hpages)",
        ),
        (
            "the minimum grows",
            "self.rsv_hpages = min(self.min_hpages, self.rsv_hpages + delta)",
            "self.rsv_hpages += delta",
        ),
        ("an undone get gives too much", "self.rsv_hpages += delta - global_part", "self.rsv_hpages += delta"),
    ],
    "split.py": [
        ("a piece keeps its offset", "upper.vm_pgoff = vma.pagecache_offset(address)", "upper.vm_pgoff = vma.vm_pgoff"),
        ("a huge page is cut", "        return None\n    upper = ", "        pass\n    upper = "),
    ],
    "inode.py": [
        (
            "a split loses the lower piece",
            "        vma.vm_end = upper.vm_start\n        self.i_mmap.insert(vma)\n",
            "        vma.vm_end = upper.vm_start\n",
        ),
    ],
    "page_table.py": [
        ("a copied page stays mapped", "old.mapcount -= 1", "pass"),
        ("a copy is not mapped", "table[number & _MASK] = new", "pass"),
        ("a child's pages are not counted", "folio.mapcount += 1", "pass"),
    ],
    "vma.py": [
        ("a piece loses its mark", "new.unmapped = self.unmapped", "new.unmapped = False"),
        ("a mapping has what lies at its file's indices", "(first + base, end + base, base)", "(first, end)"),
        ("a piece loses its ownership", "new.owner = self.owner", "new.owner = False"),
    ],
    "mremap.py": [
        (
            "a failed move keeps the map",
            "_drop_map(vma if machine.behaviour.failed_move_drops_map else new)",
            "_drop_map(new)",
        ),
        ("a moved mapping gives its promise up too", "        _drop_map(piece)\n", "        pass\n"),
        ("a moved mapping takes no reference", "    vm_op_open(new)\n", ""),
        (
            "a move never waits for itself",
            "mremap_waits_for_itself and _shares_a_table(vma, call)",
            "mremap_waits_for_itself and False",
        ),
        ("pages do not move", "page_table.set(new + index, folio)", "page_table.set(old + index, folio)"),
        ("the rest keeps its map", "if machine.behaviour.partial_mremap_drops_map:", "if False:"),
        ("a mapping may grow", "and self.new_len <= self.old_len", ""),
        ("a shrink unmaps nothing", "if call.new_len >= call.old_len:", "if True:"),
    ],
    "address_space.py": [
        (
            "a table stays without a mapping",
            "                    tables.remove(number)\n",
            "                    pass\n",
        ),
        ("a small page makes no upper table", "self.upper_tables[PUD_TABLE_SHIFT].add", "set().add"),
    ],
    "mlock.py": [
        ("what is locked already counts twice", "end - start - counted_already", "end - start"),
        ("what is locked does not count", "_locked_bytes(task.mm, 0, TASK_SIZE) + further_bytes", "further_bytes"),
        ("a limit of 0 is as good as any", "task.capable or task.memlock_bytes != 0", "True"),
    ],
    "mmap.py": [
        ("any memory is mapped locked", "    if fill or locked:\n", "    if fill:\n"),
        ("a read-only mapping extends its file", 'if prot == "rw":', "if True:"),
        ("NORESERVE reserves", "                and not noreserve\n", "                and True\n"),
        ("a replaced file goes at once", "(inode, *(vma.inode for vma in replaced))", "(inode,)"),
    ],
    "mount.py": [
        ("a mount in use is unmounted", "if any(inode.in_use for inode in there.inodes):", "if False:"),
        ("a minimum is not promised", "acct_memory(min_hpages or 0)", "acct_memory(0)"),
    ],
    "shm.py": [
        ("a segment reserves nothing", "if not noreserve and not", "if False and not"),
        ("a removed segment stays", "    inode.handles = 0\n", ""),
        ("every segment counts as locked", "if each.shm_locked and each.in_use", "if each.in_use"),
        ("a segment that is gone counts as locked", "if each.shm_locked and each.in_use", "if each.shm_locked"),
        (
            "each segment has the limit for itself",
            "for each in counted) + size <=",
            "for each in counted[:0]) + size <=",
        ),
        ("the limit is met one page early", "<= task.memlock_bytes", "< task.memlock_bytes"),
        ("an attachment reserves", "reserve=machine.behaviour.shmat_reserves", "reserve=True"),
    ],
    "process.py": [
        ("the group is not enough", "self.capable or self.gid == HUGETLB_SHM_GROUP", "self.capable"),
        ("any group may be taken", "if not self.capable and gid != self.gid:", "if False:"),
        ("any limit may be set", "if not self.capable and limit_bytes > self.memlock_bytes:", "if False:"),
    ],
    "hugetlb_cgroup.py": [
        (
            "a limit counts from below",
            "counters.usage + pages > counters.max",
            "counters.usage + pages >= counters.max",
        ),
        (
            "a limit is not checked above",
            "rsvd_max_pages:\n                return False\n            level = level.parent",
            "rsvd_max_pages:\n                return False\n            level = None",
        ),
        (
            "usage is not counted above",
            "level.of(hstate).add(usage=pages)\n",
            "level.of(hstate).add(usage=pages)\n            break\n",
        ),
    ],
    "resv_map.py": [
        ("a region is paid for twice", "self.regions.missing(first, end)", "[(first, end)]"),
        ("a region's charge stays", "cgroup.uncharge_rsvd(hstate, paid.delete(first, end))", "paid.delete(first, end)"),
    ],
    "madvise.py": [
        ("DONTNEED rounds up", "if machine.behaviour.dontneed_rounds_up else", "if True else"),
        ("private pages are punched", "if not vma.shared or not vma.may_write:", "if False:"),
    ],
    "fallocate.py": [
        (
            "the end of a file lies a page early",
            "first, end = offset >> shift, align_up(offset + length, page_bytes) >>",
            "first, end = offset >> shift, (offset + length) >>",
        ),
        (
            "a hole reaches outward",
            "align_down(offset + length, page_bytes) >> shift",
            "align_up(offset + length, page_bytes) >> shift",
        ),
    ],
    "mprotect.py": [
        ("writing needs no right", 'if prot == "rw" and not vma.may_write:', "if False:"),
        ("the whole mapping changes", "isolate(vma, address, end)", "vma"),
    ],
}
"""File -> name, what stands there, and what is planted in its place."""

MUTATIONS = [Mutation(f"model/{file}", *fault) for file, faults in FAULTS.items() for fault in faults]
