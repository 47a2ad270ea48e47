//! What a cold start costs at least: opens a fresh SQLite file as the run store does and commits one row. `cargo xtask
//! bench` times it beside `lorchestra run`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("say a path")?;
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
         INSERT INTO row (body) VALUES ('one');",
    )?;
    Ok(())
}
