//! What is said, and what is noted by the server.

use super::{Label, Milestone, Word};
use crate::wire::{List, wire};

wire! {
    /// What somebody said, or the server noted.
    struct Note {
        id: Option<u64>,
        note: Option<String>,
        noteable_type: Option<String>,
        author_id: Option<u64>,
        created_at: Option<String>,
        updated_at: Option<String>,
        project_id: Option<u64>,
        line_code: Option<String>,
        commit_id: Option<String>,
        system: Option<bool>,
        updated_by_id: Option<u64>,
        r#type: Option<String>,
        position: Option<serde_json::Value>,
        original_position: Option<serde_json::Value>,
        resolved_at: Option<String>,
        resolved_by_id: Option<u64>,
        discussion_id: Option<String>,
        confidential: Option<bool>,
        internal: Option<bool>,
        last_edited_at: Option<String>,
        author: Option<NoteAuthor>,
        award_emoji: List<Award>,
        system_note_metadata: Option<NoteMetadata>,
        note_diff_file: Option<NoteDiff>,
    }
    nested {
        "author": NoteAuthor, "award_emoji": Award, "system_note_metadata": NoteMetadata,
        "note_diff_file": NoteDiff,
    }
    lost { "project_id", "line_code", "updated_by_id" }

    /// Whoever wrote a note, for importers that do not know the account.
    struct NoteAuthor {
        name: Option<String>,
    }

    /// What a note of the server is about.
    struct NoteMetadata {
        commit_count: Option<u64>,
        action: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }

    /// The piece of a diff that a note was made on.
    struct NoteDiff {
        diff: Option<String>,
        new_file: Option<bool>,
        renamed_file: Option<bool>,
        deleted_file: Option<bool>,
        a_mode: Option<String>,
        b_mode: Option<String>,
        new_path: Option<String>,
        old_path: Option<String>,
    }

    /// A place in a diff; it stands in a row as text.
    struct Position {
        base_sha: Option<String>,
        start_sha: Option<String>,
        head_sha: Option<String>,
        old_path: Option<String>,
        new_path: Option<String>,
        position_type: Option<String>,
        old_line: Option<u64>,
        new_line: Option<u64>,
        line_range: Option<LineRange>,
    }
    nested { "line_range": LineRange }

    /// First and last of several lines.
    struct LineRange {
        start: Option<RangeEnd>,
        end: Option<RangeEnd>,
    }
    nested { "start": RangeEnd, "end": RangeEnd }

    /// One end of several lines.
    struct RangeEnd {
        line_code: Option<String>,
        r#type: Option<String>,
        old_line: Option<u64>,
        new_line: Option<u64>,
    }

    /// A reaction.
    struct Award {
        id: Option<u64>,
        name: Option<String>,
        user_id: Option<u64>,
        awardable_type: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }

    /// A label that was given or taken away.
    struct LabelEvent {
        id: Option<u64>,
        action: Word,
        user_id: Option<u64>,
        created_at: Option<String>,
        label: Option<Label>,
    }
    nested { "label": Label }

    /// A milestone that was set or taken away.
    struct MilestoneEvent {
        id: Option<u64>,
        user_id: Option<u64>,
        action: Word,
        state: Word,
        created_at: Option<String>,
        milestone: Option<Milestone>,
    }
    nested { "milestone": Milestone }

    /// Something that was closed, reopened or merged.
    struct StateEvent {
        id: Option<u64>,
        user_id: Option<u64>,
        created_at: Option<String>,
        state: Word,
    }
}
