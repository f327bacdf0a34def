//! Issues.

use super::{Award, Label, LabelEvent, Milestone, MilestoneEvent, Note, Person, StateEvent, Word};
use crate::wire::{List, wire};

wire! {
    /// An issue, with everything that hangs on it.
    struct Issue {
        title: Option<String>,
        author_id: Option<u64>,
        project_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        description: Option<String>,
        state: Word,
        iid: Option<u64>,
        confidential: Option<bool>,
        closed_at: Option<String>,
        closed_by_id: Option<u64>,
        due_date: Option<String>,
        weight: Option<u64>,
        time_estimate: Option<u64>,
        relative_position: Option<i64>,
        discussion_locked: Option<bool>,
        issue_type: Word,
        timelogs: List<Timelog>,
        notes: List<Note>,
        label_links: List<LabelLink>,
        milestone: Option<Milestone>,
        resource_label_events: List<LabelEvent>,
        resource_milestone_events: List<MilestoneEvent>,
        resource_state_events: List<StateEvent>,
        issue_assignees: List<Person>,
        award_emoji: List<Award>,
        work_item_type: Option<WorkItemType>,
    }
    nested {
        "timelogs": Timelog, "notes": Note, "label_links": LabelLink, "milestone": Milestone,
        "resource_label_events": LabelEvent, "resource_milestone_events": MilestoneEvent,
        "resource_state_events": StateEvent, "issue_assignees": Person, "award_emoji": Award,
        "work_item_type": WorkItemType,
    }
    lost { "project_id", "relative_position" }

    /// What sort of issue, in newer versions.
    struct WorkItemType {
        base_type: Word,
    }

    /// A label on something.
    struct LabelLink {
        target_type: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        label: Option<Label>,
    }
    nested { "label": Label }

    /// Work that was done.
    struct Timelog {
        time_spent: Option<i64>,
        user_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        spent_at: Option<String>,
        summary: Option<String>,
    }
    lost { "summary" }
}
